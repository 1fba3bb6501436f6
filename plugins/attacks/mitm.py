"""Man in the middle: pose as each side to the other."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Takeover
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import CANARY, Evidence

REWRITTEN = "rewritten"


class ManInTheMiddle(Takeover):
    """Does one handshake with the client and another with the server, under its own keys; then reads and rewrites every word.

    Both people see a conversation that is encrypted and whole. Only a key that is known beforehand tells them with whom.
    """

    name = "mitm"
    row = "A01"
    reference = "OpenSSH CVE-2025-26465, a check of the host's key that failed open"
    defences = {Property.PEER_IDENTITY}
    victims = frozenset(Role)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.read: list[str] = []

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take(self, interceptor: Interceptor) -> None:
        self._log = interceptor.log
        to_client, to_server = await interceptor.pose(interceptor.stack)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pump(to_client, to_server))
            both.create_task(self._pump(to_server, to_client))

    async def _pump(self, source: Leg, target: Leg) -> None:
        with suppress(ChatError):
            while True:
                items = list(source.messages.unpack(source.cipher.open(await source.receive())))
                for plaintext in target.messages.pack(list(self._rewrite(items))):
                    target.send(plaintext)

    def _rewrite(self, items: list[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, str):
                self.read.append(item)
                self._log(f"read {clean(item)!r}")
                yield item.replace(CANARY, REWRITTEN)
            else:
                yield item

    def succeeded(self, evidence: Evidence) -> bool:
        return any(CANARY in line for line in self.read) and REWRITTEN in str(evidence.shown_to(Role.RESPONDER))


@hookimpl
def layers() -> list[type[ManInTheMiddle]]:
    return [ManInTheMiddle]
