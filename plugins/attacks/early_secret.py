"""An early secret: take what is sent before anybody checked."""

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Outcome, Takeover
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class EarlySecret(Takeover):
    """Poses as the server until the client has sent what was meant for the server alone: a session key, or who it is.

    A check that comes after the secret comes too late, whatever it says.
    """

    name = "early-secret"
    row = "A01"
    reference = "OpenSSH CVE-2025-26465, a check of the host's key that failed open"
    defences = {Property.PEER_IDENTITY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._got = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    @classmethod
    def predict(cls, stack: Stack) -> Outcome:
        """What is judged when the handshake is done is judged too late."""
        late = [auth for auth in stack.auths if not auth.agrees and type(auth).check is Authenticator.check]
        judges = [layer for layer in (stack.handshake, *stack.auths) if Property.PEER_IDENTITY in layer.gives]
        if cls.applies(stack) and all(judge in late for judge in judges):
            return Outcome.UNDETECTED
        return super().predict(stack)

    async def take(self, interceptor: Interceptor) -> None:
        await interceptor.leg(Role.RESPONDER).shake()
        interceptor.log("finished the client's handshake in the server's place")
        self._got = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._got or evidence.sides[Role.INITIATOR].opened


@hookimpl
def layers() -> list[type[EarlySecret]]:
    return [EarlySecret]
