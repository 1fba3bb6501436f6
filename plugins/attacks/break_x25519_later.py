"""Break X25519 later: read a recording with every X25519 key that was made."""

from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import CANARY, Evidence
from plytalk.plugins.noise import impostor, recording


class BreakX25519Later(Attack):
    """Records the conversation and learns all ephemeral X25519 keys, as an attacker with a large quantum computer would.

    Simulated, since nobody can do it yet: the lab looks over the shoulder of both ends while they make their keys. From there
    on nothing is simulated: the recording opens with these keys, or it does not.
    """

    name = "break-x25519-later"
    row = "A11"
    reference = "Shor 1994; record now, decrypt later"
    defences = {Property.POST_QUANTUM}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read = b""

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack) or Property.POST_QUANTUM in stack.gives

    async def between(self, interceptor: Interceptor) -> bool:
        self._broken = recording.Broken()
        return False

    async def after(self, interceptor: Interceptor) -> None:
        self._broken.stop()
        sent = {role: [one.payload for one in interceptor.frames if one.sender is role] for role in Role}
        if not impostor.attackable(interceptor.stack) or len(sent[Role.INITIATOR]) < 3 or len(sent[Role.RESPONDER]) < 2:
            return  # another handshake, or one that was not finished
        offer, first, last, *sealed = sent[Role.INITIATOR]
        answer, second = sent[Role.RESPONDER][:2]
        with suppress(ChatError):
            state = recording.read(offer, answer, (first, second, last), self._broken.keys)
            self._read = b"".join(state.decrypt_with_ad(b"", one) for one in sealed)
            interceptor.log(f"read {len(self._read)} bytes of the recording with the X25519 keys alone")

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read or bool(evidence.learned)


@hookimpl
def layers() -> list[type[BreakX25519Later]]:
    return [BreakX25519Later]
