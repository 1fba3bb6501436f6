"""A member of a room, at the server: one connection, whatever stack it speaks.

    a new connection -> waits for its first words -> `join` makes it wired; any other words, or none for a moment, make it plain

A plain member hears lines and says lines: the guests of the existing chats, and clients of plytalk/1 that know no rooms.
"""

import asyncio
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.items import Ack, CloseReason, Extension, Ping, is_exit
from plytalk.core.contracts.limits import KIB, Limits
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.budget import ANSWER, COMMAND, DELIVERED, ITEM, PIECE, RECORD, TURN, Budget
from plytalk.plugins.rooms.events import MAX_REQUEST, ROOM, RoomEvent, read, write
from plytalk.plugins.rooms.remote_peer import key_of, marks_of, source_for
from plytalk.plugins.rooms.resume import Origin
from plytalk.plugins.rooms.room import Room, Speaker

if TYPE_CHECKING:
    from plytalk.plugins.rooms.hub import Hub

GRACE = 1.0
"""How long a peer may keep us waiting for its `join` before it counts as one that knows no rooms, in seconds."""
PATIENCE = 10.0
"""How often it is looked how much a member has read of what waits for it, in seconds."""
SLOWEST = 4 * KIB
"""How many bytes a second it must have read since then; one that reads less is removed."""
UNREAD_BYTES = 512 * KIB
"""How many bytes may wait for a member before nothing more is read from it."""
FLUSHED = 16 * KIB
"""After how many characters of lines they are sent, also within one turn of the event loop."""
ASK = 5.0
"""How often a member whose budget is used up is asked whether it is still there, in seconds."""
UNREAD = "you did not read what was sent to you"
_ids = count(1)


class Member(Speaker):
    """What a server's session is heard by.

    `at` is the next event it gets, `sent` the bytes before that, and `since` the first event it got in this room; `taken` is how
    many messages it has said, and `origin` who it is over all its connections, None for one that cannot come back.
    """

    raw = True  # what is said is passed on as it is: each screen cleans what it shows

    __slots__ = (
        "_asked",
        "_behind",
        "_held",
        "_hub",
        "_loud",
        "_parting",
        "_pause",
        "_waiting",
        "at",
        "budget",
        "key",
        "muted",
        "origin",
        "owes",
        "person",
        "running",
        "sent",
        "session",
        "since",
        "source",
        "stream",
        "taken",
        "wired",
    )  # fmt: skip

    def __init__(self, hub: "Hub", session: DirectChat) -> None:
        self._hub, self.session, self.stream = hub, session, session.stream
        self.id = next(_ids)
        self.key = key_of(session.identity)
        self.person: object = self.key or self.id
        self.marks = marks_of(session)
        self.name = ""
        self.origin: Origin | None = None
        self.room: Room | None = None
        self.head = b""
        self.at = self.since = self.sent = self.taken = 0
        self.wired = self.owes = self.muted = self._held = self._loud = self._behind = self._parting = False
        self.running = 0  # commands that have not finished
        self.source = source_for(session.stream.peer, self.person)
        self._asked = hub.loop.time()
        self.budget = Budget(hub.rates, self._asked)
        self._waiting: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        session.heard_by(self)
        session.metered_by(self)
        session.when_over(self._over)
        session.count_by(self._count, self._leaves, self._catch_up_now, self._say_late)
        if session.stack.make_messages.layer.extensible:
            session.extend(ROOM, self._asks)
            self._waiting = hub.loop.call_later(GRACE, self._speaks_plainly)
        else:
            self._speaks_plainly()

    @property
    def is_operator(self) -> bool:
        return self.key is not None and self._hub.is_operator(self.key)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def message(self, text: str) -> None:
        """It said something: what a session calls for each message."""
        if self.room is None:
            self._speaks_plainly()
        if self.room is None:
            return
        self.taken += 1
        if not self.owes and self.session.acknowledges:
            self._hub.outbox.owe(self)
        budget = self.budget
        budget.messages -= 1
        budget.work -= 1
        if text[:1] == "/" or self.muted:
            self._command(text)
        elif text and not text.isspace():  # blank lines are for nobody
            self.speak(text)
        if budget.messages < 0 or budget.work < 0:
            self._stop_if_over()

    def _say_late(self, text: str) -> bool:
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
        self._hub.heard(self, text)

    # -- what it costs (`Meter`) ------------------------------------------------------------------------------------------

    def record(self, size: int, items: int) -> None:
        budget = self.budget
        self._work(RECORD + size // PIECE)
        self._hub.turns.spend(items)  # a member's own work counts each when it is said
        budget.octets -= size
        if not items:
            budget.requests -= ITEM
        if budget.work < 0 or budget.octets < 0 or budget.requests < 0 or self._others_come_first:
            self._stop_if_over()

    def _work(self, work: float) -> None:
        self.budget.work -= work
        self._hub.turns.spend(work)

    @property
    def _others_come_first(self) -> bool:
        """Whether all members together have done enough for now."""
        return self._hub.turns.left < 0 or (self.room is not None and self.room.is_jammed)

    def charge(self, size: int) -> None:
        if self.room:
            self._work(len(self.room) * size / DELIVERED)

    def item(self) -> None:
        self.budget.requests -= ITEM
        self._work(COMMAND)
        if self.budget.requests < 0 or self.budget.work < 0 or self.stream.buffered > UNREAD_BYTES:
            self._stop_if_over()

    def kept(self, size: int) -> None:
        if not self.session.ending:  # what is read behind the end is kept for nobody
            self._hub.unfinished.note(self, size, self.source)

    def _stop_if_over(self) -> None:
        """Read no more where the budget is used up, or where it does not read itself, until that is over."""
        if self._held or self.session.ending:
            return
        hub, room = self._hub, self.room
        crowd = room is None or len(room) > 2
        delay = self.budget.refill(hub.rates, hub.loop.time(), crowd, hub.loud)
        if self.stream.buffered > UNREAD_BYTES:
            self._wait_for_reader()
        elif delay > 0:
            if self.budget.octets < 0:
                self._loud = True
                hub.loud += 1
            self._pause = hub.loop.call_later(delay, self._go_on)
            self._ask_whether_it_is_there()
        elif room and (room.is_jammed or room.least_lag(self) > UNREAD_BYTES):
            room.waiting.append(self._go_on)
        elif self.budget.work < 0:
            hub.turns.wait(self._take_turn)
        elif hub.turns.left < 0:
            self.budget.work = min(self.budget.work, COMMAND)  # what it had left would keep all behind it waiting
            hub.turns.wait_for_all(self._go_on)
        else:
            return
        self._held = True
        self.session.stop_reading()

    def _ask_whether_it_is_there(self) -> None:
        """While nothing is read, the end of a connection is not seen; sending something to a peer that has gone shows it."""
        now = self._hub.loop.time()
        if now - self._asked > ASK and self.session.stack.make_messages.layer.extensible:
            self._asked = now
            self.session.send_item(Ping())

    def _take_turn(self) -> None:
        self.budget.work = min(TURN, self.budget.work + TURN)  # much work takes many turns
        self._go_on()

    def _go_on(self) -> None:
        self._end_pause()
        self._held = False
        self._stop_if_over()
        if not self._held:
            self.session.read_on()

    def _end_pause(self) -> None:
        if self._pause:
            self._pause.cancel()  # it would keep a member that has gone
            self._pause = None
        if self._loud:
            self._loud = False
            self._hub.loud -= 1

    def _asks(self, body: bytes) -> None:
        request = read(body) if len(body) <= MAX_REQUEST else None
        if request is not None and request.get("do") == "join":
            self._end_waiting()
            self._hub.join(self, request)

    def _speaks_plainly(self) -> None:
        self._end_waiting()
        if self.room is None and not self.session.ending:
            self._hub.admit(self)

    def _end_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def _count(self) -> int:
        return self.taken

    def _leaves(self) -> None:
        """It has said goodbye, and is answered when all that it said is in the room and its commands have been answered."""
        self._parting = True
        if self.room:
            self._hub.outbox.owe(self)
            self._hub.outbox.touch(self.room)
        else:
            self.session.part()

    def settle(self) -> None:
        """All that it has said until now is done, apart from commands that are still running."""
        if self._parting and not self.running:
            self.session.part()

    def _catch_up_now(self) -> None:
        if self.room:
            self.room.catch_up(self)

    def notice(self, sentence: str) -> None:
        """Something about this conversation, which the server's user should know."""
        self._hub.notice(f"{self.name or self.session.address}: {sentence}")

    def _over(self, session: DirectChat, ending: Ending) -> None:
        self._end_waiting()
        self._end_pause()
        self._hub.gone(self, ending)

    # -- out --------------------------------------------------------------------------------------------------------------

    def answer(self, **said: object) -> None:
        """Tell it something as the server, in its own object."""
        body = write(**said)
        self.budget.requests -= len(body) / ANSWER
        self.session.send_item(Extension(ROOM, body))

    def tell(self, sentence: str, failed: bool = False) -> None:
        """Tell it alone, as the server; `failed` says that what it asked for was not done."""
        if self.wired:
            self.answer(do="tell", text=sentence, **({"failed": True} if failed else {}))
        else:
            self.budget.requests -= len(sentence) / ANSWER
            self.session.say(clean(f"* {sentence}"))

    def acknowledge(self) -> None:
        """Say how much it has said has been taken, with whatever it is sent next."""
        if self.session.acknowledges:
            self.session.send_item(Ack(self.taken), with_next=True)

    @property
    def full(self) -> bool:
        """Whether it has to read before it is sent more."""
        return self.stream.full

    def hear(self, event: RoomEvent) -> None:
        """A plain member: it is sent what a screen would show, as a line."""
        line = shortened(clean(event.line(self.name)))
        self.session.say(f"* {line}" if is_exit(line) else line)  # its conversation is not for others to end
        self.sent += len(line)
        if self.sent > FLUSHED:  # so that it is known whether it reads
            self.sent = 0
            self.session.flush()

    def fall_behind(self, room: Room, at: int) -> None:
        """It does not read. It is left at event `at` until it does; too far behind, it is dropped."""
        if room.log.first > at or room.log.size(at) > self._hub.queue:
            self._hub.drop(self, UNREAD, CloseReason.TOO_SLOW)
        else:
            self._wait_for_reader()

    def _wait_for_reader(self) -> None:
        if not self._behind:
            self._behind = True
            self._hub.start(self._catch_up())

    def _progress(self) -> tuple[int, object]:
        """What it has yet to read, the system's part included, and its place in the room, which only moves as it reads."""
        return self.stream.undelivered, (self.at, self.room and self.room.subscribers.get(self))

    async def _catch_up(self) -> None:
        """Wait until it has read what was sent, for as long as it goes on reading."""
        stream, (left, at) = self.stream, self._progress()
        try:
            while stream.full and not self.session.ending:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await stream.drained()
                (before, was_at), (left, at) = (left, at), self._progress()
                if stream.full and at == was_at and before - left < max(1, PATIENCE * SLOWEST):
                    self._hub.drop(self, UNREAD, CloseReason.TOO_SLOW)
        finally:
            self._behind = False
        if self.room:
            self._hub.outbox.touch(self.room)
        if self._held:
            self._go_on()


def shortened(line: str) -> str:
    """As much of a line as a message can hold: with a name before it, the longest message is longer than that."""
    if len(line) * 4 <= Limits.message:  # a character has four bytes at most
        return line
    return line.encode(errors="replace")[: Limits.message].decode(errors="ignore")
