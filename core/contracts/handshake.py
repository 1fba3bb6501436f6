"""Handshakes: secrets that both ends hold and nobody else."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from plytalk.core.contracts.layer import Kind, Layer
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets

if TYPE_CHECKING:
    from plytalk.core.pipeline.handshake_io import HandshakeIO
    from plytalk.lab.audit.probe import Finding, Probe


class Handshake(Layer):
    """Talks in frames until both ends hold the same secrets. It sees no socket, no clock and no screen.

    class Psk(Handshake):
        name = "hello"
        gives = {KEYS}

        async def initiate(self, wire):
            await wire.send(b"H", b"hello")
            return Secrets.shared(await wire.receive(b"K", limit=32))

        async def respond(self, wire):
            await wire.receive(b"H", limit=8)
            ...

    A side that sees the peer's key calls `await wire.ask(Identity(...))` before its first secret byte leaves; `shows` names
    the roles whose key the other side gets to see this way. `speaks_first` is the role that sends the first frame; `identity`
    is the key that this side shows, where it has one.
    """

    kind = "handshake"
    shows: ClassVar[AbstractSet[Role]] = frozenset()
    speaks_first: ClassVar[Role | None] = None
    identity: Identity | None = None
    first_record_proves: ClassVar[bool] = False
    """Whether only the client's first record proves that it is there now and holds the key that it showed: then a server lets
    it in no sooner, so that a recorded handshake that is played again comes to nothing."""
    steps: ClassVar[Mapping[Kind, str]] = {}
    """The names of its messages by the kind of their frames, for the inspector of a trace."""
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Options worth their own row in the lab's matrix, by a short name; empty for none."""

    def fields(self, kind: Kind, payload: bytes) -> Mapping[str, str]:
        """What is in a handshake message as far as it can be read without a key, for the inspector of a trace."""
        return {}

    @abstractmethod
    async def initiate(self, io: "HandshakeIO") -> SessionSecrets:
        """The client's side. Raises RemoteError for anything the peer does wrong."""

    @abstractmethod
    async def respond(self, io: "HandshakeIO") -> SessionSecrets:
        """The server's side. Raises RemoteError for anything the peer does wrong."""

    async def audit(self, probe: "Probe") -> "AsyncIterator[Finding]":
        """What a stranger finds out about a server of this handshake, for `chat audit`; nothing unless it is defined.

        Called without `ready`. Raises RemoteError where the server does not speak this handshake, CannotConnect where it is gone.
        """
        return
        yield
