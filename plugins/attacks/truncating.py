"""Truncating: end a conversation early, so that it looks like its end."""

from plytalk.core.bases.attacking import CutsBothWays
from plytalk.core.contracts.attack import Attack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Truncating(Attack):
    """An attack that makes a conversation end early."""

    threat = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    target = Target.END
    defences = {Property.CLEAN_END}


def _missed_quietly(evidence: Evidence) -> bool:
    """Whether the server's user missed something the client said, and was not warned."""
    return not evidence.faithful(Role.INITIATOR) and not evidence.participants[Role.RESPONDER].alarms


class Truncate(CutsBothWays, Truncating):
    """Closes both connections after a frame that the seed chooses, without a goodbye.

    "Do not sell", and then the connection ends. Where an end is not authenticated, a cut looks like one.
    """

    name = "truncate"
    said = "cut both connections after the client's frame {}"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.at = self.random.randrange(1, 5)


class SwallowGoodbye(Truncating):
    """Drops the client's last frames, and closes the connection to the server in their place.

    Everything arrives except the end: the cancellation, the signature, the goodbye.
    """

    name = "swallow-goodbye"

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.is_message_from(Role.INITIATOR) and frame.index >= 5:
            interceptor.log(f"swallowed the client's frame {frame.index}")
            interceptor.close(Role.RESPONDER)
        else:
            interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        return _missed_quietly(evidence)


class CutInFrame(Truncating):
    """Sends half of a frame of the client, then closes the connection to the server.

    Where messages have boundaries, a half frame is noticed; a bare stream takes the half for the whole.
    """

    name = "cut-in-frame"
    defences = {Property.BOUNDARIES}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(1, 5)

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.is_message_from(Role.INITIATOR) or frame.index < self._at:
            interceptor.forward(frame)
        elif frame.index == self._at:
            interceptor.log(f"sent half of the client's frame {self._at} and cut the connection")
            whole = interceptor.encode(frame.kind, frame.payload)
            interceptor.send_raw(Role.RESPONDER, whole[: len(whole) // 2])
            interceptor.close(Role.RESPONDER)

    def succeeded(self, evidence: Evidence) -> bool:
        return _missed_quietly(evidence)


class ForgeGoodbye(Truncating):
    """Sends the word exit to the server, as the client would in plaintext, and drops what follows.

    The shortest forged message: both sides believe that the other has left.
    """

    name = "forge-goodbye"
    defences = {Property.INTEGRITY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._forged = False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.is_message_from(Role.INITIATOR) or frame.index < 2:
            interceptor.forward(frame)
        elif not self._forged:
            interceptor.log("told the server that the client had said exit")
            interceptor.send(Role.RESPONDER, frame.kind, b"exit")
            self._forged = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._forged and (_missed_quietly(evidence) or bool(evidence.forged(Role.RESPONDER)))


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Truncate, SwallowGoodbye, CutInFrame, ForgeGoodbye]
