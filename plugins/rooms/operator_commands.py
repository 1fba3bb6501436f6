"""The slash commands of operators. What they do to a member or a key is an event, so everybody sees who did what, and why."""

import asyncio
from collections.abc import Awaitable, Callable

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.optional import AdmitsKeys
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.bans import Ban, split_name
from plytalk.plugins.rooms.command_words import MAX_LISTED, key_named, need, people, reason
from plytalk.plugins.rooms.member_names import MAX_NAME, comparable
from plytalk.plugins.rooms.typed_command import TypedCommand

STATE = {
    "ban": "is banned already",
    "unban": "is not banned",
    "mute": "is muted already",
    "unmute": "is not muted",
    "op": "is an operator already",
    "deop": "is not an operator",
}
"""Sentences for a key that a command would not change."""


def kick(call: TypedCommand) -> None:
    to, why = whom(call, "kick")
    others = people(call, to)
    if call.member in others or not hasattr(others[0], "session"):
        raise Usage("That cannot be done to yourself or to the person at the server.", "/quit ends your own chat.")
    for other in others:
        target = named(other.name, other.key)
        call.moderated("kick", target, reason(why), other.room)
        call.answer({"action": "kick", "target": target})
        call.hub.drop(other, why, CloseReason.KICKED, by=call.sender)


def named(name: str, key: PublicKey | None) -> dict[str, str | None]:
    """Describe a member or a key as events do."""
    return {"name": name or None, "key": key.fingerprint if key else None}


def about_key(word: str) -> Callable[[TypedCommand], Awaitable[None]]:
    """Return a command that changes how a key is moderated: a member's, or one given as a line."""

    async def run(call: TypedCommand) -> None:
        who, why = whom(call, word)
        key = key_named(call, who, absent=word != "op")  # the name of an absent member is not enough to make an operator
        if word == "ban" and key == call.member.key:
            raise Usage("That is your own key: you could not come in any more.", "/quit ends your own chat.")
        if word == "deop" and call.hub.is_operator_by_option(key):
            raise Usage("The server gives this key the role when it starts.", "Start it without --operator.")
        name = name_of(call, key, who)
        await change(call, word, key, name, reason(why), *((name, why) if word == "ban" else ()))

    return run


def whom(call: TypedCommand, word: str) -> tuple[str, str]:
    """Return the member or key, and the reason."""
    rest = need(call, f"whom: /{word} bob, or a key: /{word} ssh-ed25519 AAAA..., or its fingerprint")
    return (rest, "") if rest.startswith("ssh-") else split_name(rest)


def name_of(call: TypedCommand, key: PublicKey, who: str) -> str:
    """Return the present or last name of a key's holder, who was given as `who`; empty if it is unknown."""
    called = [member.name for member in call.hub.members.values() if member.key == key]
    as_given = [name for name in called if comparable(name) == comparable(who.removeprefix("@"))]
    known = call.hub.moderation.name_of(key) or call.hub.names.last_name(key) or call.hub.moderation.bans().get(key, Ban()).name
    return next(iter((*as_given, *called)), known)


async def change(call: TypedCommand, word: str, key: PublicKey, name: str, why: str, *more: str) -> None:
    """Change the entries of a key, and show it to everybody who might notice."""
    changed = await asyncio.to_thread(getattr(call.hub.moderation, word), key, *more)
    members = [member for member in call.hub.members.values() if member.key == key]
    target = named(name, key)
    if changed:
        call.moderated(word, target, why, *(member.room for member in members))
    call.hub.marked(key, why, call.sender)
    unchanged = [] if changed else [f"{name or key.fingerprint} {STATE[word]}. Nothing has changed."]
    call.answer({"action": word, "target": target, "changed": changed}, unchanged)


async def unban(call: TypedCommand) -> None:
    who, why = whom(call, "unban")
    bans = call.hub.moderation.bans()
    keys = [key for key, ban in bans.items() if ban.name and comparable(ban.name) == comparable(who)]
    if len(keys) > 1:
        listed = ", ".join(key.fingerprint for key in keys)
        raise Usage(f"{len(keys)} keys were banned under this name.", f"Name one by its fingerprint: {listed}.")
    if not keys and not who.startswith(("SHA256:", "ssh-")):
        raise Usage(f"Nobody called {who[:MAX_NAME]!r} is banned.", "/bans lists the keys that are.")
    key = keys[0] if keys else key_named(call, who)
    name = bans.get(key, Ban()).name or name_of(call, key, who)
    await change(call, "unban", key, name, reason(why))


def bans(call: TypedCommand) -> None:
    listed = list(call.hub.moderation.bans().items())[-MAX_LISTED:]
    call.answer(
        [{"key": key.fingerprint, "name": ban.name, "since": ban.since, "reason": ban.reason} for key, ban in listed],
        [ban_in_words(key, ban) for key, ban in listed] or ["No key is banned."],
    )


def ban_in_words(key: PublicKey, ban: Ban) -> str:
    since = f"since {ban.since}" if ban.since else ""
    return ", ".join(part for part in (ban.name, key.fingerprint, since) if part) + (f": {ban.reason}" if ban.reason else "")


async def release(call: TypedCommand) -> None:
    name = need(call, "which name: /release bob").strip('"')
    moderation = call.hub.moderation
    key = moderation.holder(name) if len(name) <= MAX_NAME else None
    if key is None:
        raise Usage(f"Nobody keeps the name {name[:MAX_NAME]!r}.", "Only a name that was kept with /keep can be released.")
    target = named(moderation.name_of(key) or "", key)
    await asyncio.to_thread(moderation.release, key)
    call.moderated("release", target, "")
    call.answer({"action": "release", "target": target}, ["Any key can take it now."])


async def allow(call: TypedCommand) -> None:
    key = key_named(call, need(call, "whose key: /allow ssh-ed25519 AAAA... bob"))
    name = (call.rest.split(" ", 2)[2:] or [call.sender])[0]
    lists = [auth for auth in call.hub.auths if isinstance(auth, AdmitsKeys)]
    if not lists:
        raise Usage("Everybody may come in already: the server has no allow list.", "Start it with --allow FILE.")
    for auth in lists:
        await asyncio.to_thread(auth.check_admit, str(key), name)
    lines = [await asyncio.to_thread(auth.admit, str(key), name) for auth in lists]
    target = named(name, key)
    call.moderated("allow", target, "")
    call.answer({"action": "allow", "target": target}, lines)


OPERATOR_COMMANDS = [
    Command("kick", "Remove a member: /kick bob, or with a reason: /kick bob spam.", kick, True),
    Command("ban", "Ban a key permanently: /ban bob, or with a reason: /ban bob spam.", about_key("ban"), True),
    Command("bans", "List the banned keys: when, and why.", bans, True),
    Command("unban", "Lift a ban, by name, key or fingerprint: /unban bob.", unban, True),
    Command("mute", "Mute a key: /mute bob.", about_key("mute"), True),
    Command("unmute", "Unmute a key: /unmute bob.", about_key("unmute"), True),
    Command("release", "Release a kept name: /release bob.", release, True),
    Command("allow", "Add a key to the server's allow list: /allow ssh-ed25519 AAAA... bob", allow, True),
    Command("op", "Make a key an operator: /op bob.", about_key("op"), True),
    Command("deop", "Take the operator role from a key: /deop bob.", about_key("deop"), True),
]
