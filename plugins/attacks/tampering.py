"""Tampering: change messages, or invent some."""

from abc import abstractmethod
from typing import ClassVar

from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

MOST_FLIPS = 256
"""A longer frame is flipped at as many places."""


class Tampering(Attack):
    """An attack that changes one frame of the client, drawn by the seed, and passes it on; `action` says how, for the log."""

    threat = "A06"
    reference = "Aircrack and WEP's linear checksum, 2001"
    target = Target.CONTENT
    defences = {Property.INTEGRITY}
    action: ClassVar[str]

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    @abstractmethod
    def change(self, payload: bytes) -> bytes:
        """What the server receives in place of the payload."""

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.is_message_from(Role.INITIATOR) or frame.index != self._at:
            interceptor.forward(frame)
            return
        interceptor.log(f"{self.action} the client's frame {self._at}")
        interceptor.send(Role.RESPONDER, frame.kind, self.change(frame.payload))

    def succeeded(self, evidence: Evidence) -> bool:
        """What the cipher accepts counts, even where the layers above refuse it: that a changed text is not UTF-8 is luck."""
        unnoticed = not evidence.faithful(Role.INITIATOR) and not evidence.alarmed
        return unnoticed or bool(evidence.forged(Role.RESPONDER))


class Tamper(Tampering):
    """Sends a frame once for each of its bytes, with a bit of that byte flipped, in an order that the seed chooses.

    In a stream cipher a flipped bit of the ciphertext is a flipped bit of the plaintext: 100 becomes 900 without any key.
    """

    name = "tamper"
    action = "flipped a bit of"

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        """What one flipped bit comes to may hang on which it is: so one of each byte is tried."""
        if not frame.is_message_from(Role.INITIATOR) or frame.index != self._at:
            interceptor.forward(frame)
            return
        places = self.random.sample(range(len(frame.payload)), len(frame.payload))
        interceptor.log(f"{self.action} the client's frame {self._at}, of each of its {len(places)} bytes in turn")
        for place in places[:MOST_FLIPS]:
            interceptor.send(Role.RESPONDER, frame.kind, self._flipped(frame.payload, place))

    def change(self, payload: bytes) -> bytes:
        return self._flipped(payload, self.random.randrange(len(payload)))

    def _flipped(self, payload: bytes, place: int) -> bytes:
        bit = 1 << self.random.randrange(8)
        return payload[:place] + bytes([payload[place] ^ bit]) + payload[place + 1 :]


class TamperFirst(Tampering):
    """Flips a bit of the first byte of a frame: where there is a nonce, a bit of the nonce.

    A tag has to cover what comes before the ciphertext as well.
    """

    name = "tamper-first"
    action = "flipped the first bit of"

    def change(self, payload: bytes) -> bytes:
        return bytes([payload[0] ^ 1]) + payload[1:]


class TamperLast(Tampering):
    """Flips the last bit of a frame: where there is a tag, a bit of the tag.

    Programs have been released that compare the tag only in part, or not at all.
    """

    name = "tamper-last"
    action = "flipped the last bit of"

    def change(self, payload: bytes) -> bytes:
        return payload[:-1] + bytes([payload[-1] ^ 1])


class Shorten(Tampering):
    """Sends a frame without its last byte, under a header that says so.

    The frame is well formed, and its content is cut.
    """

    name = "shorten"
    action = "cut the last byte off"

    def change(self, payload: bytes) -> bytes:
        return payload[:-1]


class Lengthen(Tampering):
    """Sends a frame with one more byte, under a header that says so.

    Length extension in its simplest form: the client never said the last letter.
    """

    name = "lengthen"
    action = "added a byte to"

    def change(self, payload: bytes) -> bytes:
        return payload + b"!"


class Retype(Attack):
    """Changes the type in a frame's header from message to public key.

    A header that is not covered by the tag can be changed without any key.
    """

    name = "retype"
    threat = "A07"
    reference = "Terrapin, CVE-2023-48795"
    target = Target.CONTENT

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        [framer] = stack.classes["framer"]
        return getattr(framer, "typed", False)

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.is_message_from(Role.INITIATOR) and frame.index == self._at:
            interceptor.log(f"made the client's frame {self._at} a public key by its header")
            interceptor.send(Role.RESPONDER, b"K", frame.payload)
        else:
            interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


class Inject(Attack):
    """Sends the server a frame that the attacker made.

    Where no key is checked, none is needed.
    """

    name = "inject"
    threat = "A09"
    reference = "snow CVE-2024-58265, where a forged message moved the counter"
    target = Target.CONTENT
    defences = {Property.INTEGRITY}

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if frame.is_message_from(Role.INITIATOR) and frame.index == 1:
            interceptor.log("sent the server a message that the client never said")
            interceptor.send(Role.RESPONDER, frame.kind, b"send the money to Mallory")

    def succeeded(self, evidence: Evidence) -> bool:
        shown, said = evidence.participants[Role.RESPONDER].shown, evidence.participants[Role.INITIATOR].said
        return (len(shown) > len(said) and not evidence.alarmed) or bool(evidence.forged(Role.RESPONDER))


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Tamper, TamperFirst, TamperLast, Shorten, Lengthen, Retype, Inject]
