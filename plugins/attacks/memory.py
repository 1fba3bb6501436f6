"""What is still in memory: an attacker who reads a process's memory, from a crash or a swapped page, reads what its keys open."""

import gc
import sys
from contextlib import suppress

from cryptography.exceptions import InvalidTag

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import CANARY, Evidence
from plytalk.plugins.noise import impostor
from plytalk.plugins.noise.states import CipherState

SOON = 2
"""After how many records the keys change, in the lab."""
BEFORE = 4
"""How many records the authenticators may send before the first message."""


class MemoryRead(Attack):
    """Keeps a recording of the client's records and tries on its first one each key that it finds in memory.

    Simulated: the lab takes the keys from this process, where an attacker would search an image of it.
    """

    defences = {Property.FORWARD_SECRECY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._recorded: list[bytes] = []
        self._read = b""

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake:
            self._recorded.append(passing.payload)
        interceptor.forward(passing)

    def try_keys(self, interceptor: Interceptor) -> None:
        """Try every key there is now, counted from 0 again."""
        for state in [one for one in gc.get_objects() if isinstance(one, CipherState)]:
            for number in range(BEFORE):
                with suppress(ChatError, InvalidTag):
                    self._read += state.open(state.nonce(number), self._recorded[0], None)
        interceptor.log(f"read {len(self._read)} bytes of the first record with the keys in memory")

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read


class MemoryAfter(MemoryRead):
    """Reads the memory of both ends when the conversation is over.

    A key that nobody needs any more is of use to an attacker alone.
    """

    name = "memory-after"
    row = "A10"
    reference = "Heartbleed, CVE-2014-0160"

    async def after(self, interceptor: Interceptor) -> None:
        if self._recorded:
            self.try_keys(interceptor)


class MemoryLater(MemoryRead):
    """Reads the memory of both ends while they talk, long after the first records.

    Where keys are replaced by keys made from them, those of now do not open what came before. The lab has both ends do so after
    two records, where it would otherwise take a million.
    """

    name = "memory-later"
    row = "A10"
    reference = "Noise, section 11.3; Heartbleed, CVE-2014-0160"

    async def between(self, interceptor: Interceptor) -> bool:
        self._limits = vars(sys.modules[interceptor.stack.cipher.layer.__module__])
        self._usual = self._limits["REKEY_RECORDS"]
        self._limits["REKEY_RECORDS"] = SOON
        return False

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        super().frame(interceptor, passing)
        if len(self._recorded) == BEFORE + SOON and not self._read:
            self.try_keys(interceptor)

    async def after(self, interceptor: Interceptor) -> None:
        self._limits["REKEY_RECORDS"] = self._usual


@hookimpl
def layers() -> list[type[MemoryRead]]:
    return [MemoryAfter, MemoryLater]
