"""Reflecting: send messages back to their sender, as if the other side had sent them."""

from plytalk.core.bases.attacking import Takeover
from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Stream
from plytalk.core.registry.hookspecs import hookimpl


class Reflecting(Attack):
    """An attack that sends messages back to their sender."""

    threat = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    target = Target.ORDER
    defences = {Property.DIRECTION_KEYS}

    def succeeded(self, evidence: Evidence) -> bool:
        client = evidence.participants[Role.INITIATOR]
        return not set(client.said).isdisjoint(client.shown) and not evidence.alarmed


class Reflect(Reflecting):
    """Sends a frame of the client back to the client.

    One key for both directions cannot tell which side sealed a message: your own "I agree" comes back as the answer.
    """

    name = "reflect"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if frame.is_message_from(Role.INITIATOR) and frame.index == self._at:
            interceptor.log(f"sent the client's frame {self._at} back to it")
            interceptor.send(Role.INITIATOR, frame.kind, frame.payload)


class ReflectAll(Reflecting):
    """Answers the server with its own frames, and lets no message of the client through.

    The attack does not need the client: the server's own words make the whole conversation.
    """

    name = "reflect-all"

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.handshake:
            interceptor.forward(frame)
        elif frame.sender is Role.RESPONDER:
            interceptor.log(f"sent the server's frame {frame.index} back to it")
            interceptor.send(Role.RESPONDER, frame.kind, frame.payload)

    def succeeded(self, evidence: Evidence) -> bool:
        server = evidence.participants[Role.RESPONDER]
        return bool(server.shown) and set(server.shown) <= set(server.said)


class Splice(Reflecting):
    """Sends the client its own frame in place of the server's frame of the same number, or of the one before: the seed draws.

    With one key for both directions and a counter for each, the number and the key are right. A server whose first record lets
    the client in is one number ahead.
    """

    name = "splice"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)
        self._instead_of = max(0, self._at - self.random.randrange(2))
        self._kept: InterceptedFrame | None = None
        self._dropped = False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.is_message_from(Role.RESPONDER) and frame.index == self._instead_of:
            self._dropped = True
        else:
            interceptor.forward(frame)
        if frame.is_message_from(Role.INITIATOR) and frame.index == self._at:
            self._kept = frame
        if self._dropped and self._kept:
            interceptor.log(f"sent the client's frame {self._at} to it in place of the server's frame {self._instead_of}")
            interceptor.send(Role.INITIATOR, self._kept.kind, self._kept.payload)
            self._dropped = False


class Selfie(Takeover):
    """Connects the client to a server with the client's own keys, as in a peer-to-peer program, which is client and server.

    Both sides hold the right keys, and nobody else is there.
    """

    name = "selfie"
    threat = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    target = Target.IDENTITY

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.shows == set(Role)  # a side that is shown no key cannot notice its own

    async def take_over(self, interceptor: Interceptor) -> None:
        client, mirror = interceptor.streams[Role.INITIATOR], await self.connect(interceptor)
        interceptor.log("connected the client to itself")
        client.deliver_to(lambda data: mirror.send(bytes(data)), lambda error: mirror.finish())
        mirror.deliver_to(lambda data: client.send(bytes(data)), lambda error: client.finish())

    async def connect(self, interceptor: Interceptor) -> Stream:
        """The stream to the program in the server's place."""
        return await interceptor.connect(keys_of=Role.INITIATOR)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.INITIATOR].opened


class CopiedKey(Selfie):
    """Connects the client to a server on another machine that shows the client's own identity, with a new static key.

    An identity that is copied from one machine to another proves nothing to its owner.
    """

    name = "copied-key"
    threat = "A56"
    reference = "Debian CVE-2008-0166, where many machines had the same keys"
    remote = True

    async def connect(self, interceptor: Interceptor) -> Stream:
        return await interceptor.connect(keys_of=Role.INITIATOR, leaked=True)


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Reflect, ReflectAll, Splice, Selfie, CopiedKey]
