"""A slash command as somebody typed it, on its way to what it does."""

import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, Protocol

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.rooms.directory import Directory
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import Kind
from plytalk.plugins.rooms.room_list import RoomList

MAX_KIND = 32


class CommandHub(Protocol):
    """What commands ask of the server with its rooms (`hub.py`)."""

    commands: dict[str, tuple[Command, str]]
    notice: Callable[[str], None]
    rooms: RoomList
    names: Directory
    register: Moderation
    auths: Sequence[Authenticator]

    def start(self, work: Coroutine[Any, Any, None]) -> None: ...

    def enter(self, member: Any, room: Room) -> None: ...

    def leave(self, member: Any, why: str) -> None: ...

    def drop(self, member: Any, why: str, reason: CloseReason, by: str = "") -> None: ...

    def marked(self, key: PublicKey, why: str = "", by: str = "") -> None: ...


class TypedCommand:
    """What a command is called with (`core/contracts/commands.py`); `hub` and `member` are for the built-in ones alone."""

    def __init__(self, hub: CommandHub, member: Any, line: str) -> None:
        self.hub, self.member = hub, member
        self.name, _, rest = line[1:].partition(" ")
        self.rest = rest.strip()
        self.sender: str = member.name
        self.room: str = member.room.name if member.room else ""

    @property
    def is_operator(self) -> bool:
        return bool(self.member.is_operator)

    def run(self) -> None:
        """Do it: at once, so that what is typed next comes after it, unless it is a coroutine."""
        with self._told():
            command, _ = self.hub.commands.get(self.name.lower(), (None, ""))
            if command is None:
                raise Usage(f"There is no command /{self.name[:32]}.", "/help lists them; begin with // to say it.")
            if command.operators and not self.is_operator:
                raise Usage(f"/{command.name} is for operators.", "Ask one of them: /who marks them.")
            if isawaitable(outcome := command.run(self)):
                self.member.running += 1
                self.hub.start(self._finish(outcome))

    async def _finish(self, outcome: Awaitable[object]) -> None:
        try:
            with self._told():
                await outcome
        finally:
            self.member.running -= 1
            self.member.settle()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors are told to the member who typed it, and to nobody else; a fault of a plugin is also shown at the server."""
        try:
            yield
        except ChatError as error:
            self.member.tell(error.sentence, failed=True)
        except Exception as error:
            command, origin = self.hub.commands[self.name.lower()]
            self.member.tell(f"/{command.name} of {origin} failed.", failed=True)
            self.hub.notice(f"/{command.name} of {origin} raised {type(error).__name__}.")

    def tell(self, sentence: str) -> None:
        self.member.tell(sentence)

    def tell_all(self, text: str) -> None:
        self.happen(Kind.OTHER, json.dumps({"text": text}))

    def publish(self, kind: str, body: str, text: str) -> None:
        if not kind or len(kind) > MAX_KIND or clean(kind) != kind:
            raise Usage(f"{kind[:MAX_KIND]!a} is not a valid type of event.")
        self.happen(Kind.OTHER, json.dumps({"type": kind, "body": body, "text": text}))

    def must_be_heard(self) -> None:
        """Raises Usage for a muted member: called before a command that others notice changes anything."""
        if self.member.muted:
            raise Usage("You are muted here.")

    def happen(self, kind: Kind, text: str = "", audience: frozenset[object] | None = None) -> None:
        """Have something happen in the sender's room, in the sender's name."""
        self.must_be_heard()
        if len(text.encode(errors="replace")) > Limits.message:
            raise Usage(f"That would be longer than a message may be ({Limits.message:,} bytes).")
        if self.member.room:
            member = self.member
            member.charge(len(text))
            member.room.happen(kind, member.name, text, member.marks, member.id, audience)
