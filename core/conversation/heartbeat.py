"""Dead peers: a silent peer is pinged, and one that does not answer is dropped.

A session notes only that something came. One timer for all sessions looks at those notes, several times in each period; so the
moment is rough, never too early, and thousands at rest cost next to nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

PARTS = 8
"""How often in a period the timer looks: a silence is noticed an eighth of the period late at most."""
AT_ONCE = 100
"""How many sessions are looked at in one turn of the event loop."""


class HeartbeatTarget(Protocol):
    """What is watched. `heard` is set by whatever comes; `is_reading` says whether anything could come."""

    heard: bool

    @property
    def is_reading(self) -> bool: ...

    def ping(self) -> None: ...

    def lost(self, seconds: float) -> None: ...


class Heartbeat:
    """Pings after `period` seconds of silence, and gives a peer up after as many again; with a period of 0 it does nothing.

    `call_later` and `call_soon` are those of the event loop, unless a test brings its own clock.
    """

    def __init__(
        self,
        period: float,
        call_later: Callable[..., Any] | None = None,
        call_soon: Callable[..., Any] | None = None,
    ) -> None:
        self._period, self._call_later, self._call_soon = period, call_later, call_soon
        self._silent: dict[HeartbeatTarget, int] = {}  # for how many parts of a period nothing came
        self._timer: Any = None

    def watch(self, session: HeartbeatTarget) -> None:
        """Look after a session until `forget`."""
        if self._period:
            self._silent[session] = 0
            if self._timer is None:
                self._start()

    def forget(self, session: HeartbeatTarget) -> None:
        """The session is over."""
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
        silent = 0 if session.heard else self._silent[session] + 1
        session.heard = False
        if silent == PARTS:
            session.ping()
        elif silent == 2 * PARTS:
            if session.is_reading:
                session.lost(2 * self._period)
                return
            silent = 0  # it is this side that does not read: the other one still learns that we are here
        if session in self._silent:
            self._silent[session] = silent
