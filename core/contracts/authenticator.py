"""Authenticators: whether the key that the other side shows is the right one."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Identity, Peer, Role

if TYPE_CHECKING:
    from plytalk.core.pipeline.handshake_io import Channel, HandshakeIO


class Authenticator(Layer):
    """Decides whether the key the other side showed is the right one. All chosen ones must agree.

    class Fixed(Authenticator):
        name = "fixed"
        needs = {PEER_KEY}
        gives = {PEER_IDENTITY}

        async def check(self, peer):
            if peer.identity.fingerprint != EXPECTED:
                raise ChangedPeer(f"{peer.address} shows the key {peer.identity.fingerprint}.")

    `judges` names the roles in which it can work. Returning means yes; every exception means no. There are three moments, in
    this order, and an authenticator defines those it needs:

    `agree` before the handshake, to bring a pre-shared key into it: `agrees` names the method, which both sides must have;
    `check` when the other side's key is known, before anything secret leaves; `verify` when the handshake is done, over the
    sealed channel, which both sides must then use alike.
    """

    kind = "auth"
    judges: ClassVar[AbstractSet[Role]] = frozenset(Role)
    agrees: ClassVar[str] = ""
    other_side: str = ""
    """What the other side must add to its command, for the line that `chat serve` prints; empty for nothing."""

    remembers: bool = False
    """Whether what it counts against its peers is kept across restarts. Only `chat serve` sets it."""

    @property
    def spent(self) -> str:
        """Why nobody can pass any more, as a sentence; empty while somebody can. A server that reads it ends."""
        return ""

    async def agree(self, io: "HandshakeIO", role: Role) -> bytes:
        """A pre-shared key of 32 bytes, for handshakes that take one. Only called where `agrees` names a method."""
        raise NotImplementedError

    async def check(self, peer: Peer) -> None:
        """Raises UnknownPeer, ChangedPeer or Refused to end the handshake here."""

    def check_admit(self, key: str, name: str) -> None:
        """Raises what `admit` would raise, and changes nothing: called for every list before any of them changes. May block."""

    def admit(self, key: str, name: str) -> str:
        """Let a key (`TYPE BASE64`) in from now on, where this uses a list; a sentence for the person who asked. May block.

        Raises Usage where it does not use a list.
        """
        raise Usage(f"--auth {self.name} does not use a list.")

    async def verify(self, channel: "Channel", peer: Peer) -> None:
        """Raises Refused or WrongSecret to end the conversation before it begins."""


@runtime_checkable
class KeepsKeys(Protocol):
    """An authenticator that can be told beforehand which key is right: the lab attacks it with one that was."""

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """The options by which it lets this key pass; what files they name are in the folder."""


@runtime_checkable
class RevokesKeys(KeepsKeys, Protocol):
    """One that can be told as well that a key which it knows is not right any more."""

    @classmethod
    def revoking(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """The same for a key that is to be refused from now on."""
