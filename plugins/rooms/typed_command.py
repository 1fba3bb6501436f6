"""A typed slash command, from its name to its answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from inspect import isawaitable
from typing import Any, Protocol

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import DEFAULT_LIMITS, SPLIT
from plytalk.core.contracts.origins import origin
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.source_places import function_location, raised_at
from plytalk.plugins.rooms.command_member import CommandMember
from plytalk.plugins.rooms.directory import Directory
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import Kind
from plytalk.plugins.rooms.room_list import RoomList

MAX_KIND = 32
OURS = "plytalk"
"""The origin of the commands that every room has, in /help."""


INSTEAD = {
    "names": "/who lists the members.",
    "list": "/rooms lists the rooms.",
    "query": "/msg bob hello is a private message, /reply answers one.",
    "notice": "/msg bob hello is a private message.",
    **dict.fromkeys(("part", "leave", "close"), "/join kitchen goes to another room, /quit ends the chat."),
    **dict.fromkeys(("exit", "bye", "disconnect"), "/quit ends the chat."),
}
"""Hints for commands of other chat programs."""


class UnknownCommand(Usage):
    """There is no such command."""

    hint = "/help lists them; begin with // to say it."


class ForOperators(Usage):
    """The command is for operators."""

    hint = "Ask one of them: /who marks them."


class Muted(Usage):
    """You are muted here."""

    hint = "Ask an operator: /who marks them."


class TooLong(Usage):
    """That is longer than a message may be."""

    hint = SPLIT


class CommandFailed(ChatError):
    """The command failed at the server."""

    hint = "The fault is in the feature: the person who runs the server is told where."


class CommandHub(Protocol):
    """What commands need from the hub (`hub.py`)."""

    loop: asyncio.AbstractEventLoop
    commands: dict[str, tuple[Command, str]]
    notice: Callable[[str], None]
    rooms: RoomList
    names: Directory
    moderation: Moderation
    auths: Sequence[Authenticator]

    @property
    def members(self) -> Mapping[int, Any]: ...

    def start(self, work: Coroutine[Any, Any, None]) -> None: ...

    def enter(self, member: Any, room: Room) -> None: ...

    def introduce(self, member: CommandMember) -> None: ...

    def leave(self, member: Any, why: str) -> None: ...

    def drop(self, member: Any, why: str, reason: CloseReason, by: str = "") -> None: ...

    def marked(self, key: PublicKey, why: str = "", by: str = "") -> None: ...

    def is_operator_by_option(self, key: PublicKey) -> bool: ...


def where_raised(error: BaseException, command: Command) -> str:
    """Return where a command raised an exception: the last line in its own file, otherwise the command's first line."""
    own = getattr(command.run, "__code__", None)
    if own is None:
        return ""
    return f" at {raised_at(error, own.co_filename) or function_location(command.run)} of {origin(command.run.__module__)}"


class TypedCommand:
    """The argument of a command (`core/contracts/commands.py`). `hub` and `member` are for the built-in commands only."""

    def __init__(self, hub: CommandHub, member: CommandMember, line: str) -> None:
        self.hub, self.member = hub, member
        self.name, _, rest = line[1:].partition(" ")
        self.rest = rest.strip()
        self.number = member.taken
        """The number of its line, as its sender counts."""
        self._told: list[str] = []
        self._answer: tuple[Any, Sequence[str]] = None, ()
        self._goes_on = False
        self.sender = member.name
        self.room = member.room.name if member.room else ""

    @property
    def is_operator(self) -> bool:
        return self.member.is_operator

    def run(self) -> None:
        """Run the command. It finishes before the next line is handled, unless it is a coroutine."""
        try:
            outcome = self._command().run(self)
        except BaseException as error:
            let_through(error)
            self._failed(error)
            return
        if isawaitable(outcome):
            self.member.running += 1
            self.hub.start(self._finish(outcome))
        else:
            self._done()

    @property
    def short(self) -> str:
        """The name in an answer."""
        return self.name[:MAX_KIND].lower()

    def _command(self) -> Command:
        command, _ = self.hub.commands.get(self.name.lower(), (None, ""))
        if command is None:
            raise UnknownCommand(f"There is no command /{self.name[:MAX_KIND]}.", INSTEAD.get(self.name.lower(), ""))
        if command.operators and not self.is_operator:
            raise ForOperators(f"/{command.name} is for operators.")
        return command

    async def _finish(self, outcome: Awaitable[object]) -> None:
        self._goes_on = True
        try:
            await outcome
        except BaseException as error:
            let_through(error)
            self._failed(error)
        else:
            self._done()
        finally:
            self.member.running -= 1
            self.member.settle()

    def _done(self) -> None:
        told, (data, lines) = self._told, self._answer
        self._told = []
        try:
            self.member.succeed(self.number, self.short, data, [*told, *lines])
        except BaseException as error:  # a feature's data may not be JSON
            let_through(error)
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Tell only the member who typed it. A plugin's fault is also shown at the server."""
        self._tell_now()
        if not isinstance(error, ChatError):
            command, feature = self.hub.commands[self.name.lower()]
            self.hub.notice(f"/{command.name} of {feature} raised {type(error).__name__}{where_raised(error, command)}.")
            error = CommandFailed(f"/{command.name} of {feature} failed.")
        self.member.fail(self.number, self.short, error)

    def _tell_now(self) -> None:
        told, self._told = self._told, []
        for sentence in told:
            self.member.tell(sentence)

    def tell(self, sentence: str) -> None:
        self._told.append(sentence)
        if self._goes_on:
            self.hub.loop.call_soon(self._tell_now)  # unless the command finishes first

    def answer(self, data: Any, lines: Sequence[str] = ()) -> None:
        self._answer = data, lines

    def tell_all(self, text: str) -> None:
        self.happen(Kind.OTHER, json.dumps({"text": text}))

    def publish(self, kind: str, body: str, text: str) -> None:
        if not kind or len(kind) > MAX_KIND or clean(kind) != kind:
            raise Usage(f"{kind[:MAX_KIND]!a} is not a valid type of event.")
        self.happen(Kind.OTHER, json.dumps({"type": kind, "body": body, "text": text}))

    def moderated(self, action: str, target: Mapping[str, str | None], why: str, *rooms: Room | None) -> None:
        """Show everybody here, and in these rooms, what an operator did."""
        text = json.dumps({"action": action, "target": target, "reason": why or None})
        self.member.charge(len(text))
        for room in dict.fromkeys((self.member.room, *rooms)):
            if room:
                room.happen(Kind.MODERATED, self.member, text)

    def must_be_heard(self) -> None:
        """Raises Muted for a muted member. Call this before a command that others notice changes anything."""
        if self.member.muted:
            raise Muted

    def happen(self, kind: Kind, text: str = "", audience: frozenset[object] | None = None) -> None:
        """Add an event to the sender's room, from the sender."""
        self.must_be_heard()
        if len(text.encode(errors="replace")) > DEFAULT_LIMITS.message:
            raise TooLong(f"That would be longer than a message may be ({DEFAULT_LIMITS.message:,} bytes).")
        if room := self.member.room:
            self.member.charge(len(text))
            room.happen(kind, self.member, text, audience)
