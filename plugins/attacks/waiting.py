"""Waiting: keep a server waiting for a handshake, or have a side wait for a frame that is too long."""

import asyncio
from abc import abstractmethod

from plytalk.core.bases.attacking import Takeover, wait_at_most
from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

SILENT_SECONDS = 6.0
FRAME_BYTES, SENT_BYTES, PAUSE = 200, 6, 2.0
LONG_BYTES, PATIENCE, NEVER = 65535, 1.0, float("inf")


class Holding(Takeover):
    """An attack that connects to the server and, in `hold`, keeps it waiting for a handshake. It succeeds if the server still
    waits at the end."""

    threat = "A41"
    reference = "Slowloris, CVE-2007-6750"
    target = Target.PROGRAM

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._held = False

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take_over(self, interceptor: Interceptor) -> None:
        over = asyncio.Event()
        interceptor.streams[Role.RESPONDER].deliver_to(lambda data: None, lambda error: over.set())
        await self.hold(interceptor, over)
        self._held = not over.is_set()
        interceptor.log(f"the server {'still waits' if self._held else 'hung up'}")
        interceptor.cut()

    @abstractmethod
    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        """Keep it waiting as long as this attack does; `over` is set when the server has hung up."""

    def succeeded(self, evidence: Evidence) -> bool:
        return self._held


class Silence(Holding):
    """Connects to the server and sends nothing. A server that waits has one place less for others.

    It costs the attacker nothing.
    """

    name = "silence"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        interceptor.log(f"said nothing for {SILENT_SECONDS:g} seconds")
        await wait_at_most(SILENT_SECONDS, over)


class SlowBytes(Holding):
    """Sends the server the beginning of a frame, one byte every two seconds.

    A time limit that restarts with each byte is not a limit.
    """

    name = "slow-bytes"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        interceptor.log("sent single bytes")
        frame = interceptor.encode(None, bytes(FRAME_BYTES))
        for at in range(len(frame) - FRAME_BYTES + SENT_BYTES):
            interceptor.send_raw(Role.RESPONDER, frame[at : at + 1])
            if await wait_at_most(PAUSE, over):
                return


class Oversize(Attack):
    """Sends the header of a very long frame in place of the first handshake frame, and nothing after it.

    A program that allocates memory before it checks the length gives memory to everyone who asks.
    """

    name = "oversize"
    threat = "A40"
    reference = "Twisted CVE-2022-21716"
    target = Target.PROGRAM

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._victim: Role | None = None
        self._sent, self._hung_up = NEVER, NEVER

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        [framer] = stack.classes["framer"]
        return stack.handshake.speaks_first is not None and Property.BOUNDARIES in framer.gives

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if self._victim or not frame.handshake:
            return
        self._victim = frame.sender.other
        self._sent = asyncio.get_running_loop().time()
        interceptor.log(f"announced a frame of {LONG_BYTES} bytes to the {self._victim.value}")
        interceptor.send_raw(self._victim, interceptor.encode(frame.kind, bytes(LONG_BYTES))[:-LONG_BYTES])

    def handle_close(self, interceptor: Interceptor, sender: Role) -> None:
        if sender is self._victim:
            self._hung_up = min(self._hung_up, asyncio.get_running_loop().time())
        super().handle_close(interceptor, sender)

    def succeeded(self, evidence: Evidence) -> bool:
        return self._sent != NEVER and self._hung_up - self._sent >= PATIENCE


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Silence, SlowBytes, Oversize]
