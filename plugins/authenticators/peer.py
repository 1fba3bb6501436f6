"""`--peer SHA256:...`: the other side must show exactly this key. The surest way, if the fingerprint came out of band."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChangedPeer, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Peer
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import parse_fingerprint
from plytalk.core.registry.hookspecs import hookimpl


class PinnedPeer(Authenticator):
    """The other side must show the key with this fingerprint."""

    name = "peer"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
    options = (Option("peer", "Talk only to the key with this fingerprint (SHA256:...).", metavar="FINGERPRINT", chooses=True),)

    def __init__(self, peer: str = "") -> None:
        if not peer:
            raise Usage(
                "No fingerprint says whom to talk to.", "Give --peer SHA256:..., which `chat serve` prints when it starts."
            )
        try:
            self._fingerprint = parse_fingerprint(peer)
        except ValueError:
            raise Usage(
                f"{peer!r} is not a fingerprint.", "It is SHA256: and 43 characters: `chat serve` prints its own when it starts."
            ) from None

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        return {"peer": key.fingerprint}

    async def check(self, peer: Peer) -> None:
        if peer.identity.fingerprint != self._fingerprint:
            raise ChangedPeer(
                f"{peer.address} shows the key {peer.identity.fingerprint}, not {self._fingerprint}: it is someone else, or "
                "someone is between you.",
                "Ask the other side for its fingerprint out of band, for example by telephone.",
            )


@hookimpl
def layers() -> list[type[PinnedPeer]]:
    return [PinnedPeer]
