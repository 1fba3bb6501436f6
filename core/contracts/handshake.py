"""Handshakes give both ends secrets that nobody else has."""

from abc import abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol

from plytalk.core.contracts.errors import LocalError, Refused
from plytalk.core.contracts.layer import FrameKind, Layer
from plytalk.core.contracts.peers import Identity, Reply, Role, SessionSecrets
from plytalk.core.contracts.spans import Span


class Disclose(Protocol):
    """Receives the secrets of a handshake, for a trace with `--trace-secrets`."""

    def __call__(self, name: str, key: bytes, parts: Sequence[Span] = ()) -> None:
        """Take a key of the conversation or, with `parts`, a step of the key derivation: its bytes, and what they are."""


class HandshakeIO(Protocol):
    """`send`, `receive` and `ask`: everything that a handshake can do. Each must be awaited."""

    def send(self, kind: FrameKind, payload: bytes) -> Reply[None]:
        """Send one frame."""

    def receive(self, kind: FrameKind, limit: int) -> Reply[bytes]:
        """Wait for the next frame, which must be of this kind and have at most `limit` bytes of payload. Return the payload.
        Raises FrameTooLong, BadFrame, or HandshakeFailed if the peer is gone.
        """

    def ask(self, identity: Identity) -> Reply[None]:
        """Let the authenticators judge the key that the other side showed. Raises what they raise; returning means yes."""


class NegotiatingIO(HandshakeIO):
    """Further operations, found by `isinstance`, for a handshake that takes a pre-shared key or tells a client why it is not let
    in.
    """

    agreement: str
    """The method by which the authenticators agree on a pre-shared key; empty for none."""
    has_received: bool
    """Whether anything has come from the peer."""
    proven: Identity | None
    """The key that the peer has proven to the transport to hold, as over ssh, or None."""
    disclose: Disclose | None
    """For a trace with keys: takes those of cipher states. Keys that are bytes in `SessionSecrets` are traced without it."""

    @abstractmethod
    def agree(self) -> Reply[bytes]:
        """Return the pre-shared key of the authenticators, by the method named `agreement`."""

    @abstractmethod
    def answer(self) -> None:
        """Agree that the client waits for the server's first record, which lets it in or says why not. Both sides call this
        before they `ask`. A server's handshake then continues after a refusal, and the client is told the reason after the
        handshake.
        """

    @abstractmethod
    def refuse(self, refusal: Refused) -> Reply[None]:
        """Call this in place of `ask` if the key cannot be judged, for a reason that the other side may be told. Raises it; at a
        server, after `answer`, it returns, and the client is refused with the reason after the handshake.
        """


def negotiating(io: HandshakeIO) -> NegotiatingIO:
    """Return `io` as a `NegotiatingIO`, for a handshake that needs one. Raises LocalError if it is not one."""
    if not isinstance(io, NegotiatingIO):
        raise LocalError("This handshake needs more than `send`, `receive` and `ask`.")
    return io


class Handshake(Layer):
    """Exchanges frames until both ends have the same secrets. It sees no socket, clock or screen.

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
    """Whether only the client's first record proves that it is there now and has the private key: a server then lets it in after
    that record, and so refuses a replayed handshake.
    """

    @abstractmethod
    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        """Do the client's side. Raises RemoteError for anything that the peer does wrong."""

    @abstractmethod
    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        """Do the server's side. Raises RemoteError for anything that the peer does wrong."""
