"""The slash commands of every room, and their answers."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import Usage
from plytalk.core.io.sizes import rfc3339
from plytalk.plugins.rooms.bans import split_name
from plytalk.plugins.rooms.command_words import MAX_LISTED, MAX_TEXT, need, person, reason, room_of
from plytalk.plugins.rooms.introduction import present, sender
from plytalk.plugins.rooms.operator_commands import OPERATOR_COMMANDS
from plytalk.plugins.rooms.pace import PacedSpeaker
from plytalk.plugins.rooms.room_events import Kind, Mark, weaknesses
from plytalk.plugins.rooms.typed_command import MAX_KIND, OURS, TypedCommand, UnknownCommand


def give_help(call: TypedCommand) -> None:
    """List all commands that the sender may use, or explain one."""
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
    room = room_of(call)
    listed = [*islice(present(room), MAX_LISTED)]
    more = [f"and {len(room) - MAX_LISTED} more"] if len(room) > MAX_LISTED else []
    call.answer([described(member) for member in listed], [*(in_words(member) for member in listed), *more])


def described(member: Any) -> dict[str, Any]:
    """Describe a member for programs."""
    return {**sender(member), "operator": member.is_operator, "muted": member.muted, "away": member.away}


def in_words(member: Any) -> str:
    """Describe a member for people."""
    key = member.key.fingerprint if member.key else "not authenticated" if hasattr(member, "session") else ""
    guest = " ".join(weaknesses(member.marks & Mark.SSH_GUEST))
    parts = (member.name, guest, key, member.is_operator and "operator", member.muted and "muted", away_in_words(member))
    return ", ".join(part for part in parts if part)


def away_in_words(member: Any) -> str:
    return "" if member.away is None else f"away{member.away and f': {member.away}'}"


def whois(call: TypedCommand) -> None:
    member = person(call, split_name(need(call, "who: /whois bob"))[0])
    since = rfc3339(datetime.fromtimestamp(member.came, UTC))
    room = member.room.name if member.room else None
    call.answer({**described(member), "room": room, "since": since}, [f"{in_words(member)}, in {room}, here since {since}"])


def away(call: TypedCommand) -> None:
    """Set the sender away with a reason. Without one, switch between away and back."""
    call.must_be_heard()
    why = reason(call.rest)
    call.member.away = why if why or call.member.away is None else None
    call.answer({"away": call.member.away}, ["You are away." if call.member.away is not None else "You are back."])


def rooms(call: TypedCommand) -> None:
    listed = call.hub.rooms.values()
    call.answer(
        [{"room": room.name, "count": len(room), "topic": room.topic or None} for room in listed],
        [f"{room.name}: {len(room)} here{f', topic: {room.topic}' if room.topic else ''}" for room in listed],
    )


def join(call: TypedCommand) -> None:
    room = call.hub.rooms.open(need(call, "which room: /join kitchen"), not call.member.muted)
    if room is not call.member.room:
        call.hub.leave(call.member, f"gone to {room.name}")
        call.hub.enter(call.member, room)
        if not call.member.hears_events:
            call.member.introduce()
    call.answer({"room": room.name})


def name(call: TypedCommand) -> None:
    member, old = call.member, call.member.name
    wanted = need(call, "the new name: /name alice")
    call.must_be_heard()
    new = call.hub.names.take(member, wanted)
    if new != old:
        call.happen(Kind.RENAMED, new)
        member.called(new)
        call.hub.introduce(member)
    call.answer({"name": new})


async def keep(call: TypedCommand) -> None:
    if call.member.key is None:
        raise Usage("A name is kept for a key, and your connection shows none.")
    if not call.is_operator and isinstance(call.member, PacedSpeaker):
        call.hub.names.count_kept(call.member.stream.peer)
    moderation = call.hub.moderation
    await asyncio.to_thread(moderation.claim, call.sender, call.member.key)
    await asyncio.to_thread(moderation.note, call.member.key)
    call.answer({"name": call.sender}, [f"{call.sender} is yours: nobody with another key can take it."])


def me(call: TypedCommand) -> None:
    call.happen(Kind.DID, need(call, "what you do: /me waves"))


def msg(call: TypedCommand) -> None:
    to, text = split_name(need(call, "to whom, and what: /msg bob hello"))
    other = person(call, to)
    if not text:
        raise Usage("Say what to tell: /msg bob hello.")
    tell_alone(call, other, text)


def reply(call: TypedCommand) -> None:
    text = need(call, "what to answer: /reply hello")
    wanted = call.member.correspondent  # may have reconnected over another connection since
    other = next((member for member in call.hub.members.values() if member.person == wanted), None)
    if other is None:
        raise Usage("Nobody who is here wrote to you in private.", "Write to somebody by name: /msg bob hello.")
    tell_alone(call, other, text)


def tell_alone(call: TypedCommand, other: Any, text: str) -> None:
    """Add a private message to the logs of both members' rooms, visible only to the two."""
    mine, other_room = call.member.room, other.room
    told = json.dumps({"to": other.name, "text": text})
    call.happen(Kind.TOLD, told, frozenset((call.member.person, other.person)))
    if other_room and other_room is not mine:
        other_room.happen(Kind.TOLD, call.member, told, frozenset((other.person,)))
    for terminal in [each for each in call.hub.members.values() if each.person == other.person]:
        terminal.correspondent = call.member.person
    is_away = away_in_words(other)
    call.answer({"to": other.name, "away": other.away}, [f"{other.name} is {is_away}."] if is_away else [])


def quit_chat(call: TypedCommand) -> None:
    """Leave the chat. The member's reason is in quotes, which distinguishes it from the server's reasons."""
    why = reason(call.rest)
    call.member.last_words = f'"{why}"' if why else ""
    call.member.quit()


def topic(call: TypedCommand) -> None:
    room = room_of(call)
    if len(call.rest) > MAX_TEXT:
        raise Usage(f"A topic has at most {MAX_TEXT} characters.", "Shorten it.")
    if call.rest:
        call.happen(Kind.TOPIC, call.rest)
        room.topic = call.rest
    shown = f"The topic is: {room.topic}" if room.topic else "There is no topic."
    call.answer({"topic": room.topic or None}, [] if call.rest else [shown])


COMMANDS = [
    Command("help", "List the commands, or explain one: /help kick.", give_help),
    Command("who", "List who is here, with their keys.", who),
    Command("whois", "Say who a member is, with the key, and since when it is here: /whois bob.", whois),
    Command("away", "Say that you are away, and why: /away lunch. Alone: away, or back.", away),
    Command("rooms", "List the rooms.", rooms),
    Command("join", "Go to another room: /join kitchen.", join),
    Command("name", "Take another name: /name alice.", name),
    Command("nick", "The same as /name.", name),
    Command("keep", "Keep your name for your key permanently.", keep),
    Command("me", "Describe an action: /me waves.", me),
    Command("msg", "Send a private message: /msg bob hello.", msg),
    Command("reply", "Answer the last private message: /reply hello.", reply),
    Command("topic", "Show the room's topic, or set it: /topic tea at four.", topic),
    Command("quit", "End the chat; the others see why, if you say it: /quit gone to lunch.", quit_chat),
    *OPERATOR_COMMANDS,
]
