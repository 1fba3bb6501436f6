"""Trust on first use: the key of a server is remembered at first sight, and must be the same ever after.

The file holds a line for each server, HOST:PORT SHA256:FINGERPRINT. A man in the middle at first sight is not noticed.
"""

from pathlib import Path

from plytalk import (
    Authenticator,
    ChangedPeer,
    Option,
    Peer,
    Property,
    Refused,
    Role,
    edited_lines,
    hookimpl,
    read_lines,
    user_file,
)


class Pin(Authenticator):
    """The server's key is remembered at first sight, and must be the same ever after."""

    name = "pin"
    needs, gives = {Property.PEER_KEY}, {Property.PEER_IDENTITY}
    prefers = {"handshake": "rsa"}
    judges = {Role.INITIATOR}  # a client's address is another one each time
    options = (
        Option("pin-file", "Where the keys of servers are remembered.", Path, metavar="FILE"),
        Option("pin-accept-new", "Remember the key of a new server without asking.", bool, False),
    )

    def __init__(self, pin_file: Path | None = None, pin_accept_new: bool = False) -> None:
        self._file, self._accept_new = pin_file or user_file("pins"), pin_accept_new

    async def check(self, peer: Peer) -> None:
        if self._met(peer, read_lines(self._file) or []):
            return
        question = f"{peer.address} is new here and shows the key {peer.identity.fingerprint}. Trust it from now on?"
        if not self._accept_new and not await peer.confirm(question, "Use a terminal, or --pin-accept-new to trust it unasked."):
            raise Refused(f"The key of {peer.address} was not accepted.")
        with edited_lines(self._file) as lines:
            if not self._met(peer, lines):  # it may have been met elsewhere while we asked
                lines.append(f"{peer.address} {peer.identity.fingerprint}")

    def _met(self, peer: Peer, lines: list[str]) -> bool:
        """Whether the server showed this key before. Raises ChangedPeer if it showed another one."""
        pinned = [key for address, _, key in (line.rpartition(" ") for line in lines) if address == peer.address]
        if any(key != peer.identity.fingerprint for key in pinned):
            changed = f"{peer.address} shows the key {peer.identity.fingerprint}, and not {pinned[0]} as before: "
            hint = f"Nothing was sent. If its owner confirms the new key, delete the line of {peer.address} from {self._file}."
            raise ChangedPeer(changed + "somebody is between you and it, or its key was replaced.", hint)
        return bool(pinned)


@hookimpl
def layers() -> list[type[Pin]]:
    return [Pin]
