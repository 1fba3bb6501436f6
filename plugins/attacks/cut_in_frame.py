"""Cut inside a frame: end the connection in the middle of a message."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class CutInFrame(Attack):
    """Sends half of a frame of the client, then closes the connection to the server.

    Where there are boundaries a half frame is noticed; a bare stream takes the half for the whole.
    """

    name = "cut-in-frame"
    row = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    defences = {Property.BOUNDARIES}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(1, 5)
        self._cut = False

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is not Role.INITIATOR or passing.handshake or passing.index < self._at:
            interceptor.forward(passing)
        elif passing.index == self._at:
            interceptor.log(f"sent half of the client's frame {self._at} and cut the connection")
            whole = interceptor.encode(passing.kind or MESSAGE, passing.payload)
            interceptor.send_raw(Role.RESPONDER, whole[: len(whole) // 2])
            interceptor.close(Role.RESPONDER)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.sides[Role.RESPONDER].alarms


@hookimpl
def layers() -> list[type[CutInFrame]]:
    return [CutInFrame]
