"""A member of a room, at the server: one connection, whatever stack it speaks.

A client that knows rooms asks to `join`, and is sent events. One that says something else first is sent lines of text: a guest of
an existing chat, or a client of plytalk/1 that knows no rooms. One that is silent for a moment is pinged: items arrive in order,
so a pong without a `join` before it means the same, however slow the network is.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Protocol

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.items import Ack, Extension, Ping, is_exit
from plytalk.core.contracts.limits import KIB, Limits
from plytalk.core.contracts.optional import login_of
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import brief, clean
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.lazy_exchange import LazyExchange
from plytalk.plugins.rooms.budget import ANSWER, COMMAND, SIGNAL
from plytalk.plugins.rooms.introduction import introduction
from plytalk.plugins.rooms.member_chat import MemberChat
from plytalk.plugins.rooms.pace import PacedSpeaker, PaceHub
from plytalk.plugins.rooms.remote_peer import key_of, marks_of
from plytalk.plugins.rooms.resume import Origin
from plytalk.plugins.rooms.room import Speaker
from plytalk.plugins.rooms.room_events import MAX_REQUEST, ROOM, RoomEvent, read, write
from plytalk.plugins.rooms.signals import KINDS, NO_SIGNALS, pass_on
from plytalk.plugins.rooms.ui_events import plain_line

GRACE = 1.0
"""How long a peer may be silent before it is pinged to find out whether it knows rooms, in seconds."""
FLUSHED = 16 * KIB
"""After how many characters of lines they are sent, also within one turn of the event loop."""
_ids = count(1)
_CAPITAL = re.compile("(?<!^)(?=[A-Z])")


class LateListener(Protocol):
    """The server's user, who still reads what its only company says that does not know yet that it has left."""

    def hear_late(self, sender: Speaker, text: str) -> None: ...


class MemberHub(PaceHub, Protocol):
    """What a member asks of the server with its rooms (`hub.py`)."""

    parting: LateListener | None
    notice: Callable[[str], None]

    def is_operator(self, key: PublicKey) -> bool: ...

    def handle_line(self, member: "Member", text: str) -> None: ...

    def join(self, member: "Member", request: Mapping[str, Any]) -> None: ...

    def admit(self, member: "Member", *, name: str) -> None: ...

    def remove_member(self, member: "Member", ending: Ending) -> None: ...

    @property
    def exchange(self) -> LazyExchange: ...


class Member(PacedSpeaker):
    """One connection to the server, as a member of a room.

    `since` is the first event it got in this room, `taken` how many messages it has said, and `origin` who it is over all its
    connections, None for one that cannot come back.
    """

    raw = True  # what is said is passed on as it is: each screen cleans what it shows

    __slots__ = (
        "_waiting",
        "origin",
        "owes",
        "since",
    )  # fmt: skip

    _hub: MemberHub

    def __init__(self, hub: MemberHub, session: MemberChat) -> None:
        self.id = next(_ids)
        self.key = key_of(session.identity)
        super().__init__(hub, session, self.key or self.id)
        self.marks = marks_of(session)
        self.name = self.last_words = ""
        self.origin: Origin | None = None
        self.head = b""
        self.since = self.taken = 0
        self.away: str | None = None
        self.correspondent: object = None
        self.came = time.time()
        self.hears_events = self.owes = self.muted = False
        self.signals = NO_SIGNALS
        self.running = 0  # commands that have not finished
        self._waiting: asyncio.TimerHandle | None = None
        session.heard_by(self)
        session.attach(self)
        session.when_over(self._end)
        if session.stack.make_messages.layer.extensible:
            self._waiting = hub.loop.call_later(GRACE, session.send_item, Ping())
        else:
            self._enter_plainly()

    @property
    def is_operator(self) -> bool:
        return self.key is not None and self._hub.is_operator(self.key)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def message(self, text: str) -> None:
        """It said something: called for each message."""
        if self.room is None:
            self._enter_plainly()
            if self.room is None:
                return
        self.taken += 1
        budget = self.budget
        if not self.owes:
            self._hub.outbox.note_speaker(self, self.room)
        budget.messages -= 1
        budget.work -= 1
        if text[:1] == "/" or self.muted:
            self._command(text)
        elif text and not text.isspace():  # blank lines are for nobody
            self.room.say(self, text)
        if budget.messages < 0 or budget.work < 0:
            self._stop_if_over()

    def say_late(self, text: str) -> bool:
        """It said something after the server's user, its only company, had nothing more to say: that user still reads it."""
        company = self._hub.parting
        if company is None or self.muted or (text[:1] == "/" and text[:2] != "//"):
            return False
        self.taken += 1
        company.hear_late(self, text.removeprefix("/"))
        return True

    def _command(self, text: str) -> None:
        self.budget.requests -= 1
        self._work(COMMAND)
        self._stop_if_over()
        self._hub.handle_line(self, text)

    def hear_extension(self, kind: int, body: bytes) -> None:
        if kind == ROOM:
            self._take_request(body)
        elif kind == FILE and self.room:
            self._hub.exchange.hear(self, body)

    def _take_request(self, body: bytes) -> None:
        request = read(body) if len(body) <= MAX_REQUEST else None
        do = request.get("do") if request is not None else None
        if request is not None and do == "join":
            self._end_waiting()
            self._hub.join(self, request)
        elif request is not None and isinstance(do, str) and do in KINDS:
            self.budget.requests -= SIGNAL
            pass_on(self, request)

    def _enter_plainly(self) -> None:
        self._end_waiting()
        if self.room is None and not self.session.ending:
            login = login_of(self.session.stream)
            asked = login.name if login else ""
            self._hub.admit(self, name=asked)
            if asked:
                self.introduce()

    def _end_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def hear_pong(self) -> None:
        """It has read a ping: one that knows rooms sends its `join` before it reads anything."""
        self._enter_plainly()

    def hear_goodbye(self) -> None:
        """It has said goodbye, and is answered when all that it said is in the room and its commands have been answered."""
        self.parting = True
        if self.room:
            if not self.owes:
                self._hub.outbox.note_speaker(self, self.room)
        else:
            self.session.part()

    def quit(self) -> None:
        """Say goodbye to it, once its command has been answered."""
        self._hub.loop.call_soon(self.session.exit)

    def settle(self) -> None:
        """All that it has said until now is done, apart from commands that are still running."""
        if self.parting and not self.running:
            self.session.part()

    def catch_up(self) -> None:
        if self.room:
            self.room.catch_up(self)

    def notice(self, sentence: str) -> None:
        """Something about this conversation, which the server's user should know."""
        self._hub.notice(f"{self.name or self.session.address}: {sentence}")

    def _end(self, session: DirectChat, ending: Ending) -> None:
        self._end_waiting()
        self._end_pause()
        self._hub.remove_member(self, ending)

    # -- out --------------------------------------------------------------------------------------------------------------

    def answer(self, **said: object) -> None:
        """Tell it something as the server, in its own object, without what is None. Raises Usage where it is too long."""
        self.send_object(write(**{name: value for name, value in said.items() if value is not None}))

    def send_object(self, body: bytes) -> None:
        """The same for one that is JSON already."""
        if len(body) > Limits.message:
            raise Usage(f"The answer is longer than a message may be ({Limits.message:,} bytes).")
        self.budget.requests -= len(body) / ANSWER
        self.session.send_item(Extension(ROOM, body))

    def introduce(self) -> None:
        if (room := self.room) is None or self.session.ending:
            return
        if self.hears_events:
            self.send_object(introduction(self, room, do="you"))
        else:
            self.tell(f"You are {self.name} in {room.name}, with {len(room) - 1} more.")

    def tell(self, sentence: str) -> None:
        """Tell it alone, as the server."""
        if self.hears_events:
            self.answer(do="tell", text=sentence)
        else:
            self.budget.requests -= len(sentence) / ANSWER
            self.session.say(clean(f"* {sentence}"))

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        """Answer a command, which was the member's line of this number. Raises what `write` raises, and Usage."""
        if self.hears_events:
            self.answer(do="result", line=line, command=command, data=data, lines=lines)
        else:
            for sentence in lines:
                self.tell(sentence)

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        """Say why a line was not done."""
        if self.hears_events:
            self.answer(do="error", line=line, command=command, **explained(error))
        else:
            self.tell(error.sentence)

    def hear_signal(self, body: bytes) -> None:
        """One that does not read misses what was of the moment."""
        if not self.full:
            self.session.send_item(Extension(ROOM, body))

    def acknowledge(self) -> None:
        """Say how much it has said has been taken, with whatever it is sent next."""
        if self.session.acknowledges and not self.session.ending:
            self.session.connection.pending.append(Ack(self.taken))

    def hear(self, event: RoomEvent) -> None:
        """A plain member: it is sent what a screen would show, as a line."""
        line = shortened(clean(plain_line(event, self.name)))
        self.session.say(f"* {line}" if is_exit(line) else line)  # its conversation is not for others to end
        self.sent += len(line)
        if self.sent > FLUSHED:  # so that it is known whether it reads
            self.sent = 0
            self.session.connection.flush()


def explained(error: ChatError) -> dict[str, str | None]:
    """What an answer says of an error: `code` is the name of its class, as in `unknown-command`."""
    code = _CAPITAL.sub("-", type(error).__name__).lower()
    return {"code": code, "text": brief(str(error)), "hint": brief(error.hint) or None}


def shortened(line: str) -> str:
    """As much of a line as a message can hold: with a name before it, the longest message is longer than that."""
    if len(line) * 4 <= Limits.message:  # a character has four bytes at most
        return line
    return line.encode(errors="replace")[: Limits.message].decode(errors="ignore")
