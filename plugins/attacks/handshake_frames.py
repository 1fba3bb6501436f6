"""Handshake frames: drop, repeat, reflect or change messages of the handshake."""

from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl


class OnHandshake(Attack):
    """An attack on the frames of a handshake, which has succeeded where a side opens and nobody is warned."""

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    def succeeded(self, evidence: Evidence) -> bool:
        return any(participant.opened for participant in evidence.participants.values()) and not evidence.alarmed


class HandshakeDrop(OnHandshake):
    """Drops the first handshake frame of one side, which the seed chooses.

    A step that can be skipped protects nothing.
    """

    name = "handshake-drop"
    threat = "A14"
    reference = "SMACK, state machine attacks on TLS, 2015"
    target = Target.HANDSHAKE

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._sender = self.random.choice(list(Role))

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.handshake and frame.sender is self._sender and frame.index == 0:
            interceptor.log(f"dropped the {frame.sender.value}'s first handshake frame")
        else:
            interceptor.forward(frame)


class HandshakeDuplicate(OnHandshake):
    """Sends every handshake frame twice, in both directions.

    A step that is repeated may start over with a key that is already in use.
    """

    name = "handshake-duplicate"
    threat = "A03"
    reference = "KRACK, CVE-2017-13077"
    target = Target.HANDSHAKE

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if frame.handshake:
            interceptor.log(f"sent the {frame.sender.value}'s handshake frame {frame.index} twice")
            interceptor.forward(frame)


class HandshakeReflect(OnHandshake):
    """Sends each handshake frame of the client back to it; the server receives nothing.

    A side that does not recognise its own key can do a handshake with itself.
    """

    name = "handshake-reflect"
    threat = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    target = Target.HANDSHAKE

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.sender is Role.INITIATOR:
            interceptor.log(f"sent the client's frame {frame.index} back to it")
            interceptor.send(Role.INITIATOR, frame.kind, frame.payload)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.INITIATOR].opened


class HandshakeTamper(OnHandshake):
    """Flips one bit of one handshake frame; the seed chooses both.

    What is agreed on in the clear can be changed in the clear, unless the keys depend on all of it.
    """

    name = "handshake-tamper"
    threat = "A14"
    reference = "Logjam, CVE-2015-4000"
    target = Target.HANDSHAKE

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._sender = self.random.choice(list(Role))
        self._flipped = False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if self._flipped or not frame.handshake or frame.sender is not self._sender:
            interceptor.forward(frame)
            return
        self._flipped = True
        at = self.random.randrange(len(frame.payload))
        changed = frame.payload[:at] + bytes([frame.payload[at] ^ 1]) + frame.payload[at + 1 :]
        interceptor.log(f"flipped a bit of byte {at} of the {frame.sender.value}'s handshake frame {frame.index}")
        interceptor.send(frame.sender.other, frame.kind, changed)

    def succeeded(self, evidence: Evidence) -> bool:
        return all(evidence.faithful(role) for role in Role) and not evidence.alarmed


@hookimpl
def attacks() -> list[type[Attack]]:
    return [HandshakeDrop, HandshakeDuplicate, HandshakeReflect, HandshakeTamper]
