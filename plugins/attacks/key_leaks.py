"""Key leaks: read a recording with keys that leak later, from files, from memory, or to a quantum computer."""

import gc
import sys
from contextlib import suppress

from cryptography.exceptions import InvalidTag

from plytalk.core.contracts.attack import CANARY, Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor, recording
from plytalk.plugins.noise.states import CipherState

REKEY_RECORDS = 2
"""After how many records the keys change, in the lab."""
EARLIER_RECORDS = 4
"""How many records the authenticators may send before the first message."""


class LeakLongTermKeys(Attack):
    """Records the conversation, gets every file of the server later, and repeats the handshake with both.

    What was encrypted to a key is secret for as long as the key is.
    """

    name = "leak-long-term-keys"
    threat = "A10"
    reference = "Lavabit's TLS key, 2013"
    target = Target.LEAKS
    defences = {Property.FORWARD_SECRECY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read = b""

    async def finish(self, interceptor: Interceptor) -> None:
        recorded, stream = memory_stream_pair()
        server = await interceptor.impersonate(Role.RESPONDER, stream, leaked=True)
        sent = [frame for frame in interceptor.frames if frame.sender is Role.INITIATOR]
        for frame in sent:
            if frame.handshake:
                recorded.send(interceptor.encode(frame.kind, frame.payload))
        recorded.finish()
        with suppress(ChatError):
            await server.open()
            self._read = b"".join(server.cipher.open(frame.payload) for frame in sent if not frame.handshake)
            interceptor.log(f"read {len(self._read)} bytes of the recording with the server's files")
        stream.close()

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read or bool(evidence.learned)


class BreakX25519Later(Attack):
    """Records the conversation and learns all ephemeral X25519 keys, as an attacker with a large quantum computer would.

    Simulated, since nobody can do it yet: the lab takes the keys of both sides when they are made. The rest is real: the
    recording opens with these keys, or it does not.
    """

    name = "break-x25519-later"
    threat = "A11"
    reference = "Shor 1994; record now, decrypt later"
    target = Target.LEAKS
    defences = {Property.POST_QUANTUM}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read = b""

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return impostor.speaks_plytalk1(stack) or Property.POST_QUANTUM in stack.gives

    async def start(self, interceptor: Interceptor) -> bool:
        self._broken = recording.Broken()
        return False

    async def finish(self, interceptor: Interceptor) -> None:
        self._broken.stop()
        sent = {role: [frame.payload for frame in interceptor.frames if frame.sender is role] for role in Role}
        if not impostor.speaks_plytalk1(interceptor.stack) or len(sent[Role.INITIATOR]) < 3 or len(sent[Role.RESPONDER]) < 2:
            return  # another handshake, or one that was not finished
        offer, first, last, *sealed = sent[Role.INITIATOR]
        answer, second = sent[Role.RESPONDER][:2]
        with suppress(ChatError):
            state = recording.read(offer, answer, (first, second, last), self._broken.keys)
            self._read = b"".join(state.decrypt_with_ad(b"", one) for one in sealed)
            interceptor.log(f"read {len(self._read)} bytes of the recording with the X25519 keys alone")

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read or bool(evidence.learned)


class MemoryRead(Attack):
    """Records the client's records, and tries on the first one each key that it finds in memory.

    Simulated: the lab takes the keys from this process, where an attacker would search an image of it.
    """

    threat = "A10"
    target = Target.LEAKS
    defences = {Property.FORWARD_SECRECY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._recorded: list[bytes] = []
        self._read = b""

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return impostor.speaks_plytalk1(stack)

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.is_message_from(Role.INITIATOR):
            self._recorded.append(frame.payload)
        interceptor.forward(frame)

    def try_keys(self, interceptor: Interceptor) -> None:
        """Try every key that is in memory now, with the first numbers."""
        for state in [one for one in gc.get_objects() if issubclass(type(one), CipherState)]:  # a dead weak proxy has no class
            for number in range(EARLIER_RECORDS):
                with suppress(ChatError, InvalidTag):
                    self._read += state.open(state.nonce(number), self._recorded[0], None)
        interceptor.log(f"read {len(self._read)} bytes of the first record with the keys in memory")

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read


class MemoryAfter(MemoryRead):
    """Reads the memory of both sides when the conversation is over.

    A key that is not needed any more is of use to an attacker alone.
    """

    name = "memory-after"
    reference = "Heartbleed, CVE-2014-0160"

    async def finish(self, interceptor: Interceptor) -> None:
        if self._recorded:
            self.try_keys(interceptor)


class MemoryLater(MemoryRead):
    """Reads the memory of both sides while they talk, long after the first records.

    Where keys are replaced by keys derived from them, the new ones do not open old records. In the lab both sides do so after two
    records, otherwise after a million.
    """

    name = "memory-later"
    reference = "Noise, section 11.3; Heartbleed, CVE-2014-0160"

    async def start(self, interceptor: Interceptor) -> bool:
        [cipher] = interceptor.stack.classes["cipher"]
        self._limits = vars(sys.modules[cipher.__module__])
        self._usual = self._limits["REKEY_RECORDS"]
        self._limits["REKEY_RECORDS"] = REKEY_RECORDS
        return False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        super().handle_frame(interceptor, frame)
        if len(self._recorded) == EARLIER_RECORDS + REKEY_RECORDS and not self._read:
            self.try_keys(interceptor)

    async def finish(self, interceptor: Interceptor) -> None:
        self._limits["REKEY_RECORDS"] = self._usual


@hookimpl
def attacks() -> list[type[Attack]]:
    return [LeakLongTermKeys, BreakX25519Later, MemoryAfter, MemoryLater]
