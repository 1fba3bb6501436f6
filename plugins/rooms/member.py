"""A member of a room, at the server: one connection, whatever stack it speaks.

    a new connection -> waits for its first words -> `join` makes it wired; any other words, or none for a moment, make it plain

A plain member hears lines and says lines: the guests of the existing chats, and clients of plytalk/1 that know no rooms.
"""

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from plytalk.core.messages import Ack, CloseReason, Extension, is_exit
from plytalk.core.properties import Property
from plytalk.core.public_key import PublicKey
from plytalk.core.sanitise import clean
from plytalk.core.session import Ending, Session
from plytalk.plugins.rooms.resume import Origin
from plytalk.plugins.rooms.room import Room, Speaker
from plytalk.plugins.rooms.wire import MAX_REQUEST, ROOM, Event, Kind, Mark, read, write

if TYPE_CHECKING:
    from plytalk.plugins.rooms.hall import Hall

GRACE = 1.0
"""How long a peer may keep us waiting for its `join` before it counts as one that knows no rooms, in seconds."""
UNREAD = "you did not read what was sent to you"
_ids = count(1)


class Member(Speaker):
    """What a server's session is heard by.

    `at` is the next event it gets and `since` the first it got in this room, `taken` how many messages it has said; `origin` is
    who it is over all its connections, None for one that cannot come back.
    """

    raw = True  # what is said is passed on as it is: each screen cleans what it shows

    __slots__ = (
        "_behind", "_hall", "_held", "_left", "_since", "_waiting", "at", "key", "muted", "origin", "owes", "person",
        "session", "since", "stream", "taken", "wired",
    )  # fmt: skip

    def __init__(self, hall: "Hall", session: Session) -> None:
        self._hall, self.session, self.stream = hall, session, session.stream
        self.id = next(_ids)
        self.key = key_of(session)
        self.person: object = self.key or self.id
        self.marks = marks_of(session)
        self.name = ""
        self.origin: Origin | None = None
        self.room: Room | None = None
        self.head = b""
        self.at = self.since = self.taken = 0
        self.wired = self.owes = self.muted = self._held = False
        self._behind = -1
        self._left, self._since = float(hall.burst), hall.loop.time()
        self._waiting: asyncio.TimerHandle | None = None
        session.heard_by(self)
        session.when_over(self._over)
        if session.stack.make_messages.layer.extensible:
            session.extend(ROOM, self._asks)
            self._waiting = hall.loop.call_later(GRACE, self._speaks_plainly)
        else:
            self._speaks_plainly()

    @property
    def is_operator(self) -> bool:
        return self.key is not None and self._hall.is_operator(self.key)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def message(self, text: str) -> None:
        """It said something: what a session calls for each message."""
        if self.room is None:
            self._speaks_plainly()
            if self.room is None:
                return
        self.taken += 1
        if not self.owes and self.wired:
            self.owes = True
            self._hall.owing.append(self)
        self._left -= 1
        if self._left < 0:
            self._wait()
        if text[:1] == "/" or self.muted:
            self._hall.heard(self, text)
        else:
            self.speak(text)

    def _wait(self) -> None:
        """It has said more than its share: nothing is lost, but no more is read until it has made up for it."""
        if self._held:
            return
        hall = self._hall
        now = hall.loop.time()
        if hall.rate and self.room and len(self.room) > 2:
            self._left = min(hall.burst, self._left + (now - self._since) * hall.rate)
        else:
            self._left = hall.burst
        self._since = now
        if self._left < 0:
            self._held = True
            self.stream.pause()
            hall.loop.call_later(-self._left / hall.rate, self._go_on)

    def _go_on(self) -> None:
        self._held = False
        self._wait()  # more had been read already
        if not self._held:
            self.stream.resume()

    def _asks(self, body: bytes) -> None:
        request = read(body) if len(body) <= MAX_REQUEST else None
        if request is not None and request.get("do") == "join":
            self._end_waiting()
            self._hall.join(self, request)

    def _speaks_plainly(self) -> None:
        self._end_waiting()
        if self.room is None and not self.session.ending:
            self._hall.admit(self)

    def _end_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def notice(self, sentence: str) -> None:
        """Something about this conversation, which the server's user should know."""
        self._hall.notice(f"{self.name or self.session.address}: {sentence}")

    def _over(self, session: Session, ending: Ending) -> None:
        self._end_waiting()
        self._hall.gone(self, ending)

    # -- out --------------------------------------------------------------------------------------------------------------

    def answer(self, **said: object) -> None:
        """Tell it something as the server, in an object of its own."""
        self.session.send_item(Extension(ROOM, write(**said)))

    def tell(self, sentence: str) -> None:
        """Tell it alone, as the server."""
        if self.wired:
            self.answer(do="tell", text=sentence)
        else:
            self.session.say(clean(f"* {sentence}"))

    def acknowledge(self) -> None:
        """Say how much it has said has been taken, with whatever it is sent next."""
        self.session.send_item(Ack(self.taken), with_next=True)

    def hear(self, event: Event) -> None:
        """A plain member: with one other there, the words alone, so that two talk as they would without a room."""
        if self.stream.buffered > self._hall.queue:
            self._hall.drop(self, UNREAD, CloseReason.TOO_SLOW)
            return
        if event.marks & Mark.TWO and event.kind == Kind.SAID and not is_exit(event.text):
            self.session.say(event.text)
        elif not event.marks & Mark.TWO or event.kind in (Kind.SAID, Kind.DID, Kind.OTHER, Kind.TOLD):
            line = clean(event.shown(self.name))
            self.session.say(f"* {line}" if is_exit(line) else line)  # its conversation is not for others to end

    def fall_behind(self, room: Room) -> None:
        """It does not read. It is left where it is until it does; too far behind, it is dropped."""
        if room.log.first > self.at or (self._behind >= 0 and room.log.total - self._behind > self._hall.queue):
            self._hall.drop(self, UNREAD, CloseReason.TOO_SLOW)
        elif self._behind < 0:
            self._behind = room.log.total
            self._hall.start(self._catch_up(room))

    async def _catch_up(self, room: Room) -> None:
        await self.stream.drained()
        self._behind = -1
        self._hall.touch(room)


def key_of(session: Session) -> PublicKey | None:
    """The key that the other side showed, where it is one that can be kept."""
    if session.identity is None or not session.identity.algorithm.startswith("ssh-"):
        return None
    return PublicKey(session.identity.key)


def marks_of(session: Session) -> int:
    weak = Mark(0)
    if session.identity is None:
        weak |= Mark.NO_KEY
    if Property.SECRECY not in session.stack.gives:
        weak |= Mark.NOT_ENCRYPTED
    return int(weak)
