"""The arguments of commands: members, keys, and the rest of the line."""

from typing import Any, cast

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey, parse_fingerprint
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.typed_command import TypedCommand

MAX_TEXT = 200
"""The longest topic, and the longest reason, in characters."""
MAX_LISTED = 1000
"""The largest number of members, or of bans, that a command lists."""


def room_of(call: TypedCommand) -> Room:
    """Return the member's room. Raises Usage if it has left."""
    if call.member.room is None:
        raise Usage("You have left the room.")
    return call.member.room


def need(call: TypedCommand, what: str) -> str:
    if not call.rest:
        raise Usage(f"Say {what}.")
    return call.rest


def reason(why: str) -> str:
    """Return a reason that others read. Raises Usage if it is too long."""
    if len(why) > MAX_TEXT:
        raise Usage(f"A reason has at most {MAX_TEXT} characters.", "Shorten it.")
    return why


def person(call: TypedCommand, who: str) -> Any:
    """Return the member with this name or fingerprint. Raises Usage."""
    if not who.startswith("SHA256:"):
        return call.hub.names.find(who)
    for member in call.hub.members.values():
        if member.key and member.key.fingerprint == who:
            return member
    raise Usage("No member here has this fingerprint.", "/who lists the members.")


def people(call: TypedCommand, who: str) -> list[Any]:
    """Return the member with this name, or all with this key. Raises Usage."""
    if not who.startswith(("SHA256:", "ssh-")):
        return [call.hub.names.find(who)]
    key = key_named(call, who)
    if members := [member for member in call.hub.members.values() if member.key == key]:
        return members
    raise Usage("No member here has this key.", "/who lists the members.")


def key_named(call: TypedCommand, who: str, *, absent: bool = False) -> PublicKey:
    """Return the key of a member, a key given as a line, or a known key with this fingerprint. Raises Usage.

    With `absent`, also the key of a member that has left, or has another name now.
    """
    if who.startswith("SHA256:"):
        return known_key(call, who)
    if who.startswith("ssh-"):
        try:
            return PublicKey.parse(" ".join(who.split(" ")[:2]))
        except ValueError as error:
            raise Usage(f"That is not a key: {error}.") from None
    if absent and (key := call.hub.names.key_of_absent(who)):
        return key
    member = call.hub.names.find(who)
    if member.key is None:
        what_works = f"/kick {member.name} removes it." if hasattr(member, "session") else "That is the person at the server."
        raise Usage(f"{member.name} shows no key.", what_works)
    return cast(PublicKey, member.key)


def known_key(call: TypedCommand, fingerprint: str) -> PublicKey:
    """Return the key with this fingerprint, of a present or former member or of an entry in the file. Raises Usage."""
    try:
        parse_fingerprint(fingerprint)
    except ValueError as error:
        raise Usage(f"That is not a fingerprint: {error}.") from None
    present: set[PublicKey] = {member.key for member in call.hub.members.values() if member.key}
    for key in present | call.hub.names.keys() | call.hub.moderation.keys():
        if key.fingerprint == fingerprint:
            return key
    raise Usage("No key that is known here has this fingerprint.", "Name the key itself: ssh-ed25519 AAAA...")
