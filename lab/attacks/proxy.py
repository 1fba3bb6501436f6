"""The attacker between two real programs: accepts clients, connects to the server, and runs an attack on each conversation."""

import asyncio
from collections.abc import Callable
from functools import partial

from plytalk.core.contracts.attack import Attack
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.interceptor import Access, AttackTracing, FrameInterceptor, HandshakeSteps
from plytalk.lab.attacks.stepping import Decide, SteppedInterceptor
from plytalk.lab.attacks.verdicts import verdicts


class Proxy:
    """Attacks each conversation that passes: `make(number)` gives the attack for the number-th, `own` the attacker's layers.

    `decide` is asked about each message, if it is given.
    """

    def __init__(
        self,
        own: Stack,
        make: Callable[[int], Attack],
        handshake_steps: HandshakeSteps,
        log: Callable[[str], None],
        trace: Trace | None = None,
        decide: Decide | None = None,
    ) -> None:
        self._own, self._make, self._handshake_steps, self._log, self._trace = own, make, handshake_steps, log, trace
        self._decide = decide

    async def run(self, listen: tuple[str, int], to: tuple[str, int], once: bool = False) -> None:
        """Listen until cancelled, or until one conversation is over. Raises CannotConnect."""
        transport = self._own.transport
        listener = await transport.listen(*listen)
        self._log(f"listening on {listener.address}, passing on to {to[0]} port {to[1]}")
        number = 0
        try:
            async with asyncio.TaskGroup() as conversations:
                while not (once and number):
                    client = await listener.accept()
                    conversations.create_task(self._attack(number, client, to))
                    number += 1
        finally:
            await listener.close()

    async def _attack(self, number: int, client: Stream, to: tuple[str, int]) -> None:
        def log(line: str) -> None:
            self._log(f"[{number}] {line}")

        try:
            server = await self._own.transport.connect(*to)
        except ChatError as error:
            log(error.sentence)
            client.close()
            return
        log(f"{client.peer} is connected to {server.peer}")
        over = BothClosed()
        streams: dict[Role, Stream] = {Role.INITIATOR: client, Role.RESPONDER: server}
        tracing = AttackTracing(self._trace, number) if self._trace else None
        access = TargetAccess(self._own, to, tracing)
        make = partial(SteppedInterceptor, self._decide) if self._decide else FrameInterceptor
        interceptor = make(self._own, self._make(number), streams, self._handshake_steps, log, over.closed, tracing, access)
        try:
            await interceptor.start()
            await over.wait()
            await interceptor.attack.finish(interceptor)
        except ChatError as error:
            log(error.sentence)
        finally:
            interceptor.stop()
            for stream in streams.values():
                stream.close()
            if tracing:
                tracing.end()
        log("both sides are gone")
        for line in verdicts(interceptor):
            log(line)


class TargetAccess(Access):
    """What an attacker can reach between two programs: new connections to the server."""

    def __init__(self, own: Stack, target: tuple[str, int], tracing: AttackTracing | None) -> None:
        self._own, self._target, self._tracing = own, target, tracing

    async def connect(self, keys_of: Role, leaked: bool) -> Stream:
        if keys_of is not Role.RESPONDER or leaked:
            raise CannotConnect("Only the server can be connected to.")
        stream = await self._own.transport.connect(*self._target)
        if not self._tracing:
            return stream
        return self._tracing.start(self._own, stream, keys_of, "server met").wrap_stream(stream)


class BothClosed:
    """Waits until both participants have closed."""

    def __init__(self) -> None:
        self._closed: set[Role] = set()
        self._both = asyncio.Event()

    def closed(self, role: Role) -> None:
        self._closed.add(role)
        if len(self._closed) == len(Role):
            self._both.set()

    async def wait(self) -> None:
        await self._both.wait()
