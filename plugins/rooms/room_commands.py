"""The slash commands that every room has. What people may do for themselves comes first, then what operators may."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.optional import AdmitsKeys
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.calls import MAX_KIND, OURS, TypedCommand, UnknownCommand
from plytalk.plugins.rooms.introduction import present, sender
from plytalk.plugins.rooms.member_names import MAX_NAME
from plytalk.plugins.rooms.room_events import Kind

MAX_TOPIC = 200
MAX_LISTED = 1000
"""How many members `/who` lists."""


def give_help(call: TypedCommand) -> None:
    """All commands that the sender may use, or the one that is named."""
    wanted = call.rest.removeprefix("/").lower()
    commands = sorted(call.hub.commands.items())
    offered = [(name, *one) for name, one in commands if name == wanted or (not wanted and may(call, one[0]))]
    if not offered:
        raise UnknownCommand(f"There is no command /{wanted[:MAX_KIND]}.")
    call.answer(
        [
            {"name": name, "help": command.help, "operators": command.operators, "feature": None if origin == OURS else origin}
            for name, command, origin in offered
        ],
        [help_line(name, command, origin) for name, command, origin in offered],
    )


def may(call: TypedCommand, command: Command) -> bool:
    return call.is_operator or not command.operators


def help_line(name: str, command: Command, origin: str) -> str:
    marks = ", ".join(mark for mark in ("operators" if command.operators else "", origin if origin != OURS else "") if mark)
    return f"/{name}  {command.help}{f' ({marks})' if marks else ''}"


def who(call: TypedCommand) -> None:
    room = call.member.room
    listed = [*islice(present(room), MAX_LISTED)]
    more = [f"and {len(room) - MAX_LISTED} more"] if len(room) > MAX_LISTED else []
    call.answer([described(member) for member in listed], [*(in_words(member) for member in listed), *more])


def described(member: Any) -> dict[str, Any]:
    """A member, for programs."""
    return {**sender(member), "operator": member.is_operator, "muted": member.muted}


def in_words(member: Any) -> str:
    """The same, for people."""
    key = member.key.fingerprint if member.key else "not authenticated" if hasattr(member, "session") else ""
    parts = (member.name, key, member.is_operator and "operator", member.muted and "muted")
    return ", ".join(part for part in parts if part)


def rooms(call: TypedCommand) -> None:
    listed = call.hub.rooms.values()
    call.answer(
        [{"room": room.name, "count": len(room), "topic": room.topic} for room in listed],
        [f"{room.name}: {len(room)} here{f', topic: {room.topic}' if room.topic else ''}" for room in listed],
    )


def join(call: TypedCommand) -> None:
    room = call.hub.rooms.open(need(call, "which room: /join kitchen"), not call.member.muted)
    if room is not call.member.room:
        call.hub.leave(call.member, f"gone to {room.name}")
        call.hub.enter(call.member, room)
        if not call.member.wired:
            call.tell(f"You are in {room.name}, with {len(room) - 1} more.")


def name(call: TypedCommand) -> None:
    member, old = call.member, call.member.name
    wanted = need(call, "the new name: /name alice")
    call.must_be_heard()
    new = call.hub.names.take(member, wanted)
    if new != old:
        call.happen(Kind.RENAMED, new)
        member.called(new)
        call.hub.introduce(member)


async def keep(call: TypedCommand) -> None:
    if call.member.key is None:
        raise Usage("A name is kept for a key, and your connection shows none.")
    if not call.is_operator and hasattr(call.member, "stream"):
        call.hub.names.count_kept(call.member.stream.peer)
    register = call.hub.register
    await asyncio.to_thread(register.claim, call.sender, call.member.key)
    await asyncio.to_thread(register.note, call.member.key)
    call.tell(f"{call.sender} is yours: nobody with another key can take it.")


def me(call: TypedCommand) -> None:
    call.happen(Kind.DID, need(call, "what you do: /me waves"))


def msg(call: TypedCommand) -> None:
    to, text = parted(need(call, "to whom, and what: /msg bob hello"))
    other = call.hub.names.find(to)
    if not text:
        raise Usage("Say what to tell: /msg bob hello.")
    if other.room is not call.member.room:
        raise Usage(f"{other.name} is in another room.")
    told = json.dumps({"to": other.name, "text": text})
    call.happen(Kind.TOLD, told, frozenset((call.member.person, other.person)))


def topic(call: TypedCommand) -> None:
    room = call.member.room
    if not call.rest:
        call.tell(f"The topic is: {room.topic}" if room.topic else "There is no topic.")
        call.answer({"topic": room.topic})
    elif len(call.rest) > MAX_TOPIC:
        raise Usage(f"A topic has at most {MAX_TOPIC} characters.")
    else:
        call.happen(Kind.TOPIC, call.rest)
        room.topic = call.rest


def parted(text: str) -> tuple[str, str]:
    """A name and what stands behind it. A name with spaces is written in quotes: guessing would tell the wrong person."""
    name, _, rest = text[1:].partition('"') if text.startswith('"') else text.partition(" ")
    return name, rest.strip()


def need(call: TypedCommand, what: str) -> str:
    if not call.rest:
        raise Usage(f"Say {what}.")
    return call.rest


# -- operators ----------------------------------------------------------------------------------------------------------------


def kick(call: TypedCommand) -> None:
    to, why = parted(need(call, "whom: /kick bob"))
    other = others(call, to)
    elsewhere = other.room is not call.member.room
    call.hub.drop(other, why, CloseReason.KICKED, by=call.sender)
    if elsewhere:  # here everybody reads that the member has left
        call.tell(f"{other.name} was removed from another room.")


def others(call: TypedCommand, name: str) -> Any:
    other = call.hub.names.find(name)
    if other is call.member or not hasattr(other, "session"):
        raise Usage("That cannot be done to yourself or to the person at the server.")
    return other


def about_key(word: str, done: str) -> Callable[[TypedCommand], Awaitable[None]]:
    """A command that changes how a key is moderated: a member's, or one that is given as a line."""

    async def run(call: TypedCommand) -> None:
        rest = need(call, f"whom: /{word} bob, or a key: /{word} ssh-ed25519 AAAA...")
        who, why = (rest, "") if rest.startswith("ssh-") else parted(rest)
        key = key_named(call, who)
        await asyncio.to_thread(getattr(call.hub.register, word), key)
        call.hub.marked(key, why, call.sender)
        call.tell(f"{who}: {done}.")

    return run


def key_named(call: TypedCommand, who: str) -> PublicKey:
    try:
        key: PublicKey | None = call.hub.names.find(who.strip('"')).key
    except Usage:
        if not who.startswith("ssh-"):
            raise
        try:
            key = PublicKey.parse(" ".join(who.split(" ")[:2]))
        except ValueError as error:
            raise Usage(f"That is not a key: {error}.") from None
    if key is None:
        raise Usage(f"{who} shows no key: only /kick can be done.")
    return key


async def release(call: TypedCommand) -> None:
    name = need(call, "which name: /release bob").strip('"')
    register = call.hub.register
    key = register.holder(name) if len(name) <= MAX_NAME else None
    if key is None:
        raise Usage(f"Nobody keeps the name {name[:MAX_NAME]!a}.")
    held = register.name_of(key)
    await asyncio.to_thread(register.release, key)
    call.tell(f"{held} is released: any key can take it.")


async def allow(call: TypedCommand) -> None:
    key = key_named(call, need(call, "whose key: /allow ssh-ed25519 AAAA... bob"))
    name = call.rest.split(" ", 2)[2:] or [call.sender]
    lists = [auth for auth in call.hub.auths if isinstance(auth, AdmitsKeys)]
    if not lists:
        raise Usage("Everybody may come in already: the server has no allow list.", "Start it with --allow FILE.")
    for auth in lists:
        await asyncio.to_thread(auth.check_admit, str(key), name[0])
    for auth in lists:
        call.tell(await asyncio.to_thread(auth.admit, str(key), name[0]))


COMMANDS = [
    Command("help", "List the commands, or explain one: /help kick.", give_help),
    Command("who", "List who is here, with their keys.", who),
    Command("rooms", "List the rooms.", rooms),
    Command("join", "Go to another room: /join kitchen.", join),
    Command("name", "Take another name: /name alice.", name),
    Command("nick", "The same as /name.", name),
    Command("keep", "Keep your name for your key permanently.", keep),
    Command("me", "Describe an action: /me waves.", me),
    Command("msg", "Send a private message: /msg bob hello.", msg),
    Command("topic", "Show the room's topic, or set it: /topic tea at four.", topic),
    Command("kick", "Remove a member: /kick bob, or with a reason: /kick bob spam.", kick, True),
    Command("ban", "Ban a key permanently: /ban bob, or with a reason: /ban bob spam.", about_key("ban", "banned"), True),
    Command("unban", "Lift the ban of a key: /unban ssh-ed25519 AAAA....", about_key("unban", "no longer banned"), True),
    Command("mute", "Mute a key: /mute bob.", about_key("mute", "muted"), True),
    Command("unmute", "Unmute a key: /unmute bob.", about_key("unmute", "no longer muted"), True),
    Command("release", "Release a kept name: /release bob.", release, True),
    Command("allow", "Add a key to the server's allow list: /allow ssh-ed25519 AAAA... bob", allow, True),
    Command("op", "Make a key an operator: /op bob.", about_key("op", "operator"), True),
    Command("deop", "Take the operator role from a key: /deop bob.", about_key("deop", "no longer operator"), True),
]
