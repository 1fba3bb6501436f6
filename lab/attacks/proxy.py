"""The attacker between two real programs: it listens, connects on, and lets an attack play with each conversation."""

import asyncio
from collections.abc import Callable, Mapping

from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack
from plytalk.lab.attacks.interceptor import Interceptor, Tracing


class Proxy:
    """Attacks each conversation that passes: `make(number)` gives the attack for the number-th, `own` the attacker's layers."""

    def __init__(
        self,
        own: Stack,
        make: Callable[[int], Attack],
        preludes: Mapping[Role, int],
        log: Callable[[str], None],
        trace: Trace | None = None,
    ) -> None:
        self._own, self._make, self._preludes, self._log, self._trace = own, make, preludes, log, trace

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
        over = TransportOver()
        streams: dict[Role, Stream] = {Role.INITIATOR: client, Role.RESPONDER: server}
        tracing = Tracing(self._trace, number) if self._trace else None
        interceptor = Interceptor(self._own, self._make(number), streams, self._preludes, log, over.ended, tracing)

        async def meet(whose: Role = Role.RESPONDER, stack: Stack | None = None) -> Stream:
            if whose is not Role.RESPONDER or stack:
                raise CannotConnect("Only the server can be connected to.")
            stream = await self._own.transport.connect(*to)
            if tracing:
                tracing.of(self._own, stream, whose, "server met")
            return stream

        interceptor.meet = meet  # type: ignore[method-assign]
        try:
            await interceptor.start()
            await over.wait()
            await interceptor.attack.after(interceptor)
        except ChatError as error:
            log(error.sentence)
        finally:
            for stream in streams.values():
                stream.close()
            if tracing:
                tracing.over()
        log("both sides are gone")


class TransportOver:
    """Waits until both ends have closed."""

    def __init__(self) -> None:
        self._gone: set[Role] = set()
        self._both = asyncio.Event()

    def ended(self, role: Role) -> None:
        self._gone.add(role)
        if len(self._gone) == len(Role):
            self._both.set()

    async def wait(self) -> None:
        await self._both.wait()
