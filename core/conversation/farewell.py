"""The end of a conversation: from the first goodbye to the proof that the other side has received everything.

    NONE --- we say goodbye -------------------------------> OURS
    NONE --- theirs comes ---------------------------------> THEIRS
    OURS --- it is acknowledged, and all that we said -----> RECEIVED
    OURS --- theirs comes ---------------------------------> BOTH
    THEIRS --- all that they said is done, and we answer --> BOTH
    RECEIVED --- theirs comes -----------------------------> DONE
    BOTH --- ours is acknowledged -------------------------> DONE
    NONE, OURS, THEIRS, RECEIVED, BOTH, DONE --- a fault, or nobody waits any more --> OVER

Our goodbye is sent after everything that was said, and we still read what the other side says. If the messages have no
acknowledgements, the other side closes the stream instead. The wait ends when the state is DONE, when the stream has ended, or
after `Limits.goodbye` without progress.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Protocol

from msgspec.structs import replace

from plytalk.core.contracts.endings import NOT_LET_IN, EndedBy, Ending
from plytalk.core.contracts.errors import ChatError, NotReceived, Truncated
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.transport import Stream

LOOK = 0.25
"""How often to check for progress, in seconds."""
TELL = 1.0
"""After how many seconds of waiting the user is told what it is for."""


class Goodbyes(Enum):
    """Which goodbyes have been said. The transitions are at the top of this file."""

    NONE = "none"
    OURS = "ours"
    RECEIVED = "ours, and it is acknowledged"
    THEIRS = "theirs"
    BOTH = "both"
    DONE = "both, and ours is acknowledged"
    OVER = "nothing is waited for"


SAY = {Goodbyes.NONE: Goodbyes.OURS, Goodbyes.THEIRS: Goodbyes.BOTH}
HEAR = {Goodbyes.NONE: Goodbyes.THEIRS, Goodbyes.OURS: Goodbyes.BOTH, Goodbyes.RECEIVED: Goodbyes.DONE}
ACKNOWLEDGE = {Goodbyes.OURS: Goodbyes.RECEIVED, Goodbyes.BOTH: Goodbyes.DONE}


class LeavingChat(Protocol):
    """What a farewell needs from the conversation that ends."""

    stream: Stream
    acknowledges: bool

    @property
    def limits(self) -> Limits: ...

    @property
    def arrived(self) -> int: ...

    @property
    def unheard(self) -> bool: ...

    @property
    def unacknowledged(self) -> int: ...

    @property
    def unreceived(self) -> int: ...

    def tell_waiting(self) -> None: ...


class Farewell:
    """The state of the end of one conversation, created when it begins to end. `theirs` is the ending that the other side's
    goodbye means. `ignored` says that something from the other side was ignored, so that their goodbye is not acknowledged.
    `undelivered` is the number of bytes that were not delivered when the stream broke.
    """

    __slots__ = ("changed", "error", "goodbyes", "ignored", "stream_over", "theirs", "undelivered")

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.goodbyes = Goodbyes.NONE
        self.theirs: Ending | None = None
        self.ignored = False
        self.undelivered = 0
        self.stream_over = False
        self.error: Exception | None = None

    def say(self) -> None:
        """Note that we have said goodbye."""
        self.goodbyes = SAY.get(self.goodbyes, self.goodbyes)

    def hear(self, ending: Ending) -> None:
        """Note that the other side has said goodbye, which means this ending."""
        self.theirs = ending
        self._change(HEAR)

    def acknowledge(self) -> None:
        """Note that the other side has received everything we said, including our goodbye if we have said it."""
        self._change(ACKNOWLEDGE)

    def _change(self, transitions: Mapping[Goodbyes, Goodbyes]) -> None:
        if self.goodbyes in transitions:
            self.goodbyes = transitions[self.goodbyes]
            self.changed.set()

    def end_stream(self, error: Exception | None) -> None:
        """Note that the stream has ended, or was broken by the error."""
        if self.goodbyes is not Goodbyes.OVER:
            self.stream_over, self.error = True, error
            self.changed.set()

    def fail(self, error: ChatError) -> None:
        """Note an error on the way."""
        if self.goodbyes is not Goodbyes.OVER:
            self.error = error
            self.close()
            self.changed.set()

    def close(self) -> None:
        """Stop waiting."""
        self.goodbyes = Goodbyes.OVER

    @property
    def is_acknowledged(self) -> bool:
        """Whether our goodbye, and so everything before it, is acknowledged."""
        return self.goodbyes in (Goodbyes.RECEIVED, Goodbyes.DONE)

    async def wait(self, session: LeavingChat, ending: Ending) -> Ending:
        """Wait until the other side has received everything, the stream ends, or no progress is made. Return the ending."""
        loop = asyncio.get_running_loop()
        limit, began = session.limits.goodbye, loop.time()
        brief = is_removal(ending)
        mark, moved, told = self._mark(session), began, False
        while not self._is_done(session, ending):
            self.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK, limit / 4)):
                    await self.changed.wait()
            now, before, mark = loop.time(), mark, self._mark(session)
            if mark != before and not brief:  # a removed member cannot keep its connection by sending a byte at a time
                moved = now
            elif now - moved >= limit and not self._is_done(session, ending):
                return self.verdict(session, ending, f"nothing moved for {limit:g} s")
            if not told and now - began >= TELL:
                told = True
                session.tell_waiting()
        return self.verdict(session, ending)

    def _mark(self, session: LeavingChat) -> tuple[int, ...]:
        """Return a value that changes with any progress. After the other side's goodbye, only what we send counts."""
        if self.error is None:
            self.undelivered = session.stream.undelivered
        return session.stream.buffered, self.undelivered, session.unacknowledged, 0 if self.theirs else session.arrived

    def _is_done(self, session: LeavingChat, ending: Ending) -> bool:
        if self.goodbyes is Goodbyes.OVER or (self.stream_over and self.error is not None):
            return True
        if session.stream.buffered:
            return False
        if session.acknowledges:
            return self.stream_over or self.goodbyes is Goodbyes.DONE
        # A peer that closed acknowledges what it has read, and resets the connection for the rest.
        return (self.stream_over or ending.by is EndedBy.THEM) and not session.stream.undelivered

    def verdict(self, session: LeavingChat, ending: Ending, why: str = "") -> Ending:
        """Return how the conversation ended, now that nothing more comes. `why` says why the wait ended if the connection is
        not over.
        """
        if ending.error or is_removal(ending):
            return ending
        if isinstance(self.error, ChatError):
            return replace(ending, by=EndedBy.FAULT, reason=self.error.sentence, error=self.error)
        lines = session.unreceived
        if session.acknowledges:
            lost = not self.is_acknowledged and (lines > 0 or not self.theirs)
            if lost and not lines and ending.by is EndedBy.US and not why:
                return replace(ending, reason=CUT, error=Truncated(CUT))
        elif ending.by is EndedBy.US:
            lost = lines > 0 or not self.stream_over or (self.error is not None and not self.theirs)
        else:  # a peer leaves by closing or resetting the connection: only what did not reach it is lost
            lost = lines > 0
        if not lost:
            return ending
        sentence = not_received(lines, why or "the connection was cut", bool(session.acknowledges))
        if ending.by is EndedBy.THEM:
            sentence = f"{ending.reason} {sentence}"
        return replace(ending, reason=sentence, error=NotReceived(sentence, NOT_LET_IN if session.unheard else ""))


def is_removal(ending: Ending) -> bool:
    """Whether we ended it against the other side's will, such as when a member is removed."""
    return ending.by is EndedBy.US and ending.code not in (CloseReason.SAID_EXIT, CloseReason.SHUTDOWN)


STOPPED = "you stopped waiting"
CUT = "The connection ended before the other side said goodbye: something that it sent may be missing."


def not_received(lines: int, why: str, acknowledged: bool) -> str:
    """Return a sentence about the lines that the other side has not received, as far as this side knows."""
    if lines:
        what = f"{lines:,} {'line that you sent was' if lines == 1 else 'lines that you sent were'} not received"
        if not acknowledged:  # what has left this machine may be anywhere on the network path
            what = f"At least {what}"
    else:
        what = "The other side did not receive everything" if acknowledged else "The other side may not have received everything"
    return f"{what}: {why}."
