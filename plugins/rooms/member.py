"""A member of a room, at the server: one connection, over any stack.

A client with rooms asks to `join` and is sent events. A client that sends something else first is sent lines of text: a guest
with an existing chat program, or a plytalk/1 client without rooms. A client that is silent for GRACE seconds is pinged. Items
arrive in order, so a pong without a `join` before it means a client without rooms, however slow the network is.
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
from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB
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
from plytalk.plugins.rooms.ui_events import plain_line, shortened

GRACE = 1.0
"""How long a peer may be silent before it is pinged to find out whether it has rooms, in seconds."""
UNANSWERED = 30.0
"""After how many seconds without an answer to that it is taken for one without rooms: operators must be able to remove it."""
HAS_ROOMS = b"has rooms?"
FLUSHED = 16 * KIB
"""Lines are sent as soon as there are this many characters of them, even within one turn of the event loop."""
_ids = count(1)
_CAPITAL = re.compile("(?<!^)(?=[A-Z])")


class LateListener(Protocol):
    """The server's user after leaving: it is still shown what the only other member says before it learns of that."""

    def hear_late(self, sender: Speaker, text: str) -> None: ...


class MemberHub(PaceHub, Protocol):
    """What a member needs from the hub (`hub.py`)."""

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

    `since` is the number of the first event that it was sent in this room, `taken` the number of messages it has sent. `origin`
    identifies it over all its connections; it is None for one that cannot reconnect.
    """

    raw = True  # messages are passed on unchanged: each UI cleans what it shows

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
            self._waiting = hub.loop.call_later(GRACE, self._ask)
        else:
            self._enter_plainly()

    @property
    def is_operator(self) -> bool:
        return self.key is not None and self._hub.is_operator(self.key)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def message(self, text: str) -> None:
        """Take a message of this member: called for each of them."""
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
        elif text and not text.isspace():  # blank lines are dropped
            self.room.say(self, text)
        if budget.messages < 0 or budget.work < 0:
            self._stop_if_over()

    def say_late(self, text: str) -> bool:
        """Show the server's user a message that came after that user said goodbye, if it was the only other member.

        Return whether it was shown.
        """
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

    def _ask(self) -> None:
        self._waiting = self._hub.loop.call_later(UNANSWERED, self._enter_plainly)
        self.session.send_item(Ping(HAS_ROOMS))

    def _end_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def hear_pong(self, body: bytes) -> None:
        """Admit it as a client without rooms, if it has not asked to join: one with rooms does so before it answers this ping."""
        if body == HAS_ROOMS:
            self._enter_plainly()

    def hear_goodbye(self) -> None:
        """Take its goodbye. It is answered once all its messages are in the room and its commands are answered."""
        self.parting = True
        if self.room:
            if not self.owes:
                self._hub.outbox.note_speaker(self, self.room)
        else:
            self.session.part()

    def quit(self) -> None:
        """Say goodbye to it after the answer to its command."""
        self._hub.loop.call_soon(self.session.exit)

    def settle(self) -> None:
        """Answer its goodbye, if it has said one and no command is running."""
        if self.parting and not self.running:
            self.session.part()

    def catch_up(self) -> None:
        if self.room:
            self.room.catch_up(self)

    def notice(self, sentence: str) -> None:
        """Tell the server's user something about this connection."""
        self._hub.notice(f"{self.name or self.session.address}: {sentence}")

    def _end(self, session: DirectChat, ending: Ending) -> None:
        self._end_waiting()
        self._end_pause()
        self._hub.remove_member(self, ending)

    # -- out --------------------------------------------------------------------------------------------------------------

    def answer(self, **said: object) -> None:
        """Send it a JSON object of the server, without the values that are None. Raises Usage if it is too long."""
        self.send_object(write(**{name: value for name, value in said.items() if value is not None}))

    def send_object(self, body: bytes) -> None:
        """Send it an object that is JSON already. Raises Usage if it is too long."""
        if len(body) > DEFAULT_LIMITS.message:
            raise Usage(f"The answer is longer than a message may be ({DEFAULT_LIMITS.message:,} bytes).")
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
        """Send a sentence to this member only."""
        if self.hears_events:
            self.answer(do="tell", text=sentence)
        else:
            self.budget.requests -= len(sentence) / ANSWER
            self.session.say(clean(f"* {sentence}"))

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        """Send the answer to a command; `line` is the number of the member's line. Raises what `write` raises, and Usage."""
        if self.hears_events:
            self.answer(do="result", line=line, command=command, data=data, lines=lines)
        else:
            for sentence in lines:
                self.tell(sentence)

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        """Send the reason why a command, or a line, was refused."""
        if self.hears_events:
            self.answer(do="error", line=line, command=command, **explained(error))
        else:
            self.tell(error.sentence)

    def hear_signal(self, body: bytes) -> None:
        """Pass a signal on. A member that does not read misses it."""
        if not self.full:
            self.session.send_item(Extension(ROOM, body))

    def acknowledge(self) -> None:
        """Acknowledge its messages, together with whatever is sent to it next."""
        if self.session.acknowledges and not self.session.ending:
            self.session.connection.pending.append(Ack(self.taken))

    def hear(self, event: RoomEvent) -> None:
        """Send an event to a member without rooms, as the line that a screen would show."""
        line = shortened(clean(plain_line(event, self.name)))
        self.session.say(f"* {line}" if is_exit(line) else line)  # the bare word would end its conversation
        self.sent += len(line)
        if self.sent > FLUSHED:  # shows whether it reads
            self.sent = 0
            self.session.connection.flush()


def explained(error: ChatError) -> dict[str, str | None]:
    """Return an error as part of an answer. `code` is the name of its class, as in `unknown-command`."""
    code = _CAPITAL.sub("-", type(error).__name__).lower()
    return {"code": code, "text": brief(str(error)), "hint": brief(error.hint) or None}
