"""One end that opens a conversation with a peer of bare bytes, and the simplest layers that this takes."""

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.establish import Establishment
from plytalk.core.stack.selection import Stack
from plytalk.testing import RecordingUi, TypedFrames, stack_of

KEY = Identity("test", b"key")
QUICK = Limits(first_byte=0.05, handshake=0.1)
PATIENT = Limits(first_byte=3600, handshake=3600)


def frame(kind: bytes, payload: bytes) -> bytes:
    return TypedFrames().encode(kind, payload)


class Shown(Handshake):
    """The server shows its key; the client answers."""

    name = "shown"
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}

    async def initiate(self, io) -> SessionSecrets:
        await io.ask(Identity("test", await io.receive(b"K", 9)))
        await io.send(b"S", b"secret")
        return SessionSecrets.none()

    async def respond(self, io) -> SessionSecrets:
        await io.send(b"K", KEY.key)
        await io.receive(b"S", 9)
        return SessionSecrets.none()


class ClientShows(Shown):
    """The client shows its key."""

    shows = {Role.INITIATOR}

    async def respond(self, io) -> SessionSecrets:
        return await super().initiate(io)


class AwaitsMore(Shown):
    """Waits for an answer to the answer."""

    async def initiate(self, io) -> SessionSecrets:
        await super().initiate(io)
        await io.receive(b"X", 9)
        return SessionSecrets.none()


class Open(Authenticator):
    """Lets in every peer that shows a key."""

    name = "open"
    needs = {Property.PEER_KEY}


class Asks(Authenticator):
    """Lets in whom the person lets in."""

    name = "asks"

    async def check(self, peer: Peer) -> None:
        if not await peer.confirm("Trust it?", "--yes"):
            raise Refused("The person said no.")


class Brings(Authenticator):
    """Brings a pre-shared key."""

    name = "brings"
    agrees = "code"

    async def agree(self, io, role: Role) -> bytes:
        return b"k" * 32


class Yes(RecordingUi):
    """Says yes."""

    def __init__(self) -> None:
        super().__init__(True)


def refusing(error: Exception, method: str = "check") -> type[Authenticator]:
    async def judge(self, *about: object) -> None:
        raise error

    return type("Refusing", (Authenticator,), {"__doc__": "Refuses.", "name": "refusing", method: judge})


class Client:
    """An end that opens, and its peer as bare bytes. When it was done, it had sent `sent`, and had reset its stream or not."""

    sent, was_reset = b"", False

    def __init__(self, *layers: type[Layer], limits: Limits = PATIENT, role: Role = Role.INITIATOR, stack: Stack | None = None):
        self.stream, self.peer = memory_stream_pair()
        self.stack = stack or stack_of(Shown, *layers)
        self.opening = Establishment(self.stack, self.stream, role, "chat.example.org:1", limits, None)

    async def opens(self) -> BaseException | None:
        try:
            await self.opening.run()
        except Exception as error:
            return error
        finally:
            self.sent = b"".join(self.peer._inbox)  # which is empty once the peer is closed
            self.was_reset = self.stream._closed
            self.stream.close()
            self.peer.close()
        return None
