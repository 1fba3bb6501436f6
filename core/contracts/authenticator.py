"""Authenticators decide whether the key that the other side shows is the right one."""

from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol

from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Peer, Reply, Role


class Channel(Protocol):
    """The connection after the handshake and before the conversation, for authenticators. Each body is sealed in one record."""

    def send(self, body: bytes) -> Reply[None]:
        """Send one body to the other side's authenticator."""

    def receive(self, person: bool = False) -> Reply[bytes]:
        """Wait for the next body. With `person` it may take as long as a person on the other side needs for an answer. Raises
        WrongSecret if it does not open: the two sides do not have the same keys.
        """

    def prove(self, binding: bytes) -> Reply[None]:
        """Prove to each other that both sides have the same keys: each sends the same `binding`. Raises WrongSecret."""


class Authenticator(Layer):
    """Decides whether the key that the other side showed is the right one. All chosen authenticators must agree.

    class Fixed(Authenticator):
        name = "fixed"
        needs = {Property.PEER_KEY}
        gives = {Property.PEER_IDENTITY}

        async def check(self, peer):
            if peer.identity.fingerprint != EXPECTED:
                raise ChangedPeer(f"{peer.address} shows the key {peer.identity.fingerprint}.")

    `judges` names the roles in which it can work. Returning None means yes. Every exception and every other return value, such as
    False, means no. It may define three methods, which are called in this order:

    `agree` before the handshake, to bring a pre-shared key into it: `agrees` names the method, which both sides must have;
    `check` when the other side's key is known, before anything secret leaves; `verify` when the handshake is done, over the
    sealed channel, which both sides must then use alike.
    """

    kind = "auth"
    judges: ClassVar[AbstractSet[Role]] = frozenset(Role)
    agrees: ClassVar[str] = ""
    other_side: str = ""
    """What the other side must add to its command, in the line that `chat serve` prints; empty for nothing."""

    replaces_peer: ClassVar[bool] = False
    """Whether that line needs no fingerprint of this side's key, because the method alone authenticates this side."""

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        """Return a pre-shared key of 32 bytes, for handshakes that take one. Called only if `agrees` names a method. Raises
        Refused or HandshakeFailed if the two sides do not agree on a key, and Usage if this side has none.
        """
        raise NotImplementedError

    async def check(self, peer: Peer) -> None:
        """Judge the key. Raises UnknownPeer, ChangedPeer or Refused to end the handshake."""

    async def verify(self, channel: Channel, peer: Peer) -> None:
        """Talk to the other side's authenticator. Raises Refused or WrongSecret to end the conversation before it begins."""
