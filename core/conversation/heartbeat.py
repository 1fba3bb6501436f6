"""The heartbeat pings silent peers and drops those that do not answer.

One timer asks all conversations whether anything came, several times in each period, so the moment is approximate but never too
early, and thousands of idle conversations cost almost nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

PARTS = 8
"""How often the timer checks in a period: a silence is noticed at most an eighth of the period late."""
AT_ONCE = 100
"""How many conversations are checked in one turn of the event loop."""


class HeartbeatTarget(Protocol):
    """What is watched. `has_heard` says whether anything came since it was last asked, `is_reading` whether anything could."""

    @property
    def is_reading(self) -> bool: ...

    def has_heard(self) -> bool: ...

    def ping(self) -> None: ...

    def lost(self, seconds: float) -> None: ...


class Heartbeat:
    """Pings a peer after `period` seconds of silence, and drops it after as many more. A period of 0 turns it off. `call_later`
    and `call_soon` are those of the event loop, or of a test's clock.
    """

    def __init__(
        self,
        period: float,
        call_later: Callable[..., Any] | None = None,
        call_soon: Callable[..., Any] | None = None,
    ) -> None:
        self._period, self._call_later, self._call_soon = period, call_later, call_soon
        self._silent: dict[HeartbeatTarget, int] = {}  # the number of checks since something came
        self._timer: Any = None

    def watch(self, session: HeartbeatTarget) -> None:
        """Watch a conversation until `forget`."""
        if self._period:
            self._silent[session] = 0
            if self._timer is None:
                self._start()

    def forget(self, session: HeartbeatTarget) -> None:
        """Stop watching a conversation."""
        self._silent.pop(session, None)
        if not self._silent and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        call_later = self._call_later or asyncio.get_running_loop().call_later
        self._timer = call_later(self._period / PARTS, self._look)

    def _look(self) -> None:
        self._start()
        self._look_at(list(self._silent))

    def _look_at(self, sessions: list[HeartbeatTarget]) -> None:
        for session in sessions[:AT_ONCE]:
            if session in self._silent:
                self._look_at_one(session)
        if rest := sessions[AT_ONCE:]:
            (self._call_soon or asyncio.get_running_loop().call_soon)(self._look_at, rest)

    def _look_at_one(self, session: HeartbeatTarget) -> None:
        silent = 0 if session.has_heard() else self._silent[session] + 1
        if silent == PARTS:
            session.ping()
        elif silent == 2 * PARTS:
            if session.is_reading:
                session.lost(2 * self._period)
                return
            silent = 0  # this side does not read: the ping tells the other side that we are here
        if session in self._silent:
            self._silent[session] = silent
