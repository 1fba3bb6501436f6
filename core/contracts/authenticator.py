"""Authenticators: whether the key that the other side shows is the right one."""

from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol

from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Peer, Reply, Role


class Channel(Protocol):
    """The connection when the handshake is done: each body is sealed in its own record. For authenticators, before any talk."""

    def send(self, body: bytes) -> Reply[None]:
        """Send one body to the other side's authenticator."""

    def receive(self, person: bool = False) -> Reply[bytes]:
        """The next body; `person` gives it the time that a person on the other side needs for an answer.

        Raises WrongSecret where it does not open: the two sides do not hold the same keys.
        """

    def prove(self, binding: bytes) -> Reply[None]:
        """Show each other that both hold the same keys, by sending the same `binding` both ways. Raises WrongSecret."""


class Authenticator(Layer):
    """Decides whether the key the other side showed is the right one. All chosen ones must agree.

    class Fixed(Authenticator):
        name = "fixed"
        needs = {Property.PEER_KEY}
        gives = {Property.PEER_IDENTITY}

        async def check(self, peer):
            if peer.identity.fingerprint != EXPECTED:
                raise ChangedPeer(f"{peer.address} shows the key {peer.identity.fingerprint}.")

    `judges` names the roles in which it can work. Returning nothing means yes; every exception, and every value that is returned,
    such as False, means no. There are three moments, in this order, and an authenticator defines those it needs:

    `agree` before the handshake, to bring a pre-shared key into it: `agrees` names the method, which both sides must have;
    `check` when the other side's key is known, before anything secret leaves; `verify` when the handshake is done, over the
    sealed channel, which both sides must then use alike.
    """

    kind = "auth"
    judges: ClassVar[AbstractSet[Role]] = frozenset(Role)
    agrees: ClassVar[str] = ""
    other_side: str = ""
    """What the other side must add to its command, for the line that `chat serve` prints; empty for nothing."""

    replaces_peer: ClassVar[bool] = False
    """Whether that line can do without this side's key, because the method alone tells the other side whom it talks to."""

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        """A pre-shared key of 32 bytes, for handshakes that take one. Only called where `agrees` names a method.

        Raises Refused or HandshakeFailed where the two sides do not agree on one, and Usage where this side has none.
        """
        raise NotImplementedError

    async def check(self, peer: Peer) -> None:
        """Raises UnknownPeer, ChangedPeer or Refused to end the handshake here."""

    async def verify(self, channel: Channel, peer: Peer) -> None:
        """Raises Refused or WrongSecret to end the conversation before it begins."""
