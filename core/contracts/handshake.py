"""Handshakes: secrets that both ends hold and nobody else."""

from abc import abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol

from plytalk.core.contracts.errors import LocalError, Refused
from plytalk.core.contracts.layer import FrameKind, Layer
from plytalk.core.contracts.peers import Identity, Reply, Role, SessionSecrets
from plytalk.core.contracts.spans import Span


class Disclose(Protocol):
    """What a handshake tells its secrets to, for a trace that was asked for with them."""

    def __call__(self, name: str, key: bytes, parts: Sequence[Span] = ()) -> None:
        """A key of the conversation or, with `parts`, a step by which keys are made: its bytes, and what they are."""


class HandshakeIO(Protocol):
    """`send`, `receive` and `ask`: all that a handshake may want of the world. Each must be awaited."""

    def send(self, kind: FrameKind, payload: bytes) -> Reply[None]:
        """Send one frame."""

    def receive(self, kind: FrameKind, limit: int) -> Reply[bytes]:
        """The payload of the next frame, which must be of this kind and of at most `limit` bytes.

        Raises FrameTooLong, BadFrame, or HandshakeFailed when the peer is gone.
        """

    def ask(self, identity: Identity) -> Reply[None]:
        """Let the authenticators judge the key the other side showed. Raises what they raise; returning means yes."""


class NegotiatingIO(HandshakeIO):
    """What a handshake finds besides, by `isinstance`, if it takes a pre-shared key or tells a client why it is not let in."""

    agreement: str
    """The method by which the authenticators bring a pre-shared key; empty for none."""
    has_received: bool
    """Whether anything has come from the peer."""
    proven: Identity | None
    """The key that the peer has proven to the transport, as over ssh; None for none."""
    disclose: Disclose | None
    """Where a trace asks for keys, takes those of cipher states; keys that are left as bytes, in `SessionSecrets`, are traced
    without it."""

    @abstractmethod
    def agree(self) -> Reply[bytes]:
        """The pre-shared key that the authenticators bring into the handshake, by the method named `agreement`."""

    @abstractmethod
    def answer(self) -> None:
        """Agree that the client waits for the server's first record, which lets it in or says why not. Both sides call it, before
        they `ask`; a server's handshake then goes on after a no, which the client is told when it is done."""

    @abstractmethod
    def refuse(self, refusal: Refused) -> Reply[None]:
        """In place of `ask`, where the key that the other side showed cannot be judged for a reason that it may be told.

        Raises it; for a server after `answer` it returns: the client is told when the handshake is done, and not let in.
        """


def negotiating(io: HandshakeIO) -> NegotiatingIO:
    """The same, for a handshake that cannot do with less. Raises LocalError."""
    if not isinstance(io, NegotiatingIO):
        raise LocalError("This handshake needs more than `send`, `receive` and `ask`.")
    return io


class Handshake(Layer):
    """Talks in frames until both ends hold the same secrets. It sees no socket, no clock and no screen.

    class EphemeralX25519(Handshake):
        "A new X25519 key from each side."
        name = "x25519"
        needs = {Property.BOUNDARIES}
        gives = {Property.KEYS, Property.FRESHNESS, Property.FORWARD_SECRECY}  # no identity

        async def initiate(self, io):
            private = X25519PrivateKey.generate()
            mine = private.public_key().public_bytes_raw()
            await io.send(b"E", mine)
            theirs = await io.receive(b"E", limit=32)
            try:
                shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
            except ValueError:  # a wrong length, or a point of low order
                raise HandshakeFailed("The other side sent no usable X25519 key.") from None
            info = b"x25519 example" + b"".join(sorted((mine, theirs)))
            return SessionSecrets.shared(HKDF(SHA256(), 32, salt=None, info=info).derive(shared))

        respond = initiate  # neither side waits for the other to begin

    A side that sees the peer's key calls `await io.ask(Identity(...))` before its first secret byte leaves; `shows` names
    the roles whose key the other side gets to see this way. `speaks_first` is the role that sends the first frame; `identity`
    is the key that this side shows, where it has one.
    """

    kind = "handshake"
    shows: ClassVar[AbstractSet[Role]] = frozenset()
    speaks_first: ClassVar[Role | None] = None
    identity: Identity | None = None
    first_record_proves: ClassVar[bool] = False
    """Whether only the client's first record proves that it is there now and holds the key that it showed: then a server lets
    it in no sooner, so that a recorded handshake that is replayed is refused."""

    @abstractmethod
    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        """The client's side. Raises RemoteError for anything the peer does wrong."""

    @abstractmethod
    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        """The server's side. Raises RemoteError for anything the peer does wrong."""
