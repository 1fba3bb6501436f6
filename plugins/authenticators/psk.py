"""`--psk-file FILE`: both sides hold the same 32 bytes, exchanged out of band. The handshake mixes them in (Noise, 9).

The handshake's last message proves to the server that the client holds the key, and nothing proves it to the client until the
server has sealed something: so each sends one sealed body before anybody may talk. The file is read again for each conversation.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shlex import quote

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import BINDING, Passed, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.files import read
from plytalk.trust.store_errors import StoreError

_DIGITS = re.compile(rb"\s*([0-9A-Fa-f]{64})\s*")
_HOW = "`chat keys psk FILE` makes one; bring the same file to both sides."


class Psk(Authenticator):
    """The other side must hold the same pre-shared key."""

    name = "psk"
    needs = {Property.CLEAN_END}  # messages that know items which nobody says
    gives = {Property.PEER_IDENTITY}
    agrees = "psk"
    options = (
        Option("psk-file", "The file with the key that both sides hold: 64 hex digits.", Path, metavar="FILE", chooses=True),
    )

    def __init__(self, psk_file: Path | None = None) -> None:
        if psk_file is None:
            raise Usage("There is no pre-shared key.", "Give --psk-file FILE.")
        self._file = psk_file
        self.other_side = f"--psk-file {quote(str(psk_file))}"  # as it is here: the line works unchanged if the paths agree

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        await asyncio.to_thread(pre_shared_key, self._file)  # only to say at once what is wrong with it
        return ()

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        return await asyncio.to_thread(pre_shared_key, self._file)

    async def verify(self, channel: Channel, peer: Peer) -> None:
        await channel.prove(peer.binding)
        peer.say(f"{peer.address} holds the pre-shared key; its own key is {peer.identity.fingerprint}.")

    def fields(self, message: Passed) -> Iterator[Span]:
        yield Span("binding", 0, len(message.data), made_of=BINDING)


def pre_shared_key(file: Path) -> bytes:
    """The 32 bytes in a file. Raises StoreError, which never repeats what is in the file."""
    content = read(file, secret=True)
    if content is None:
        raise StoreError(f"{file} does not exist.", _HOW)
    digits = _DIGITS.fullmatch(content)
    if digits is None:
        raise StoreError(f"{file} is not a pre-shared key, which is 64 hexadecimal digits and nothing else.", _HOW)
    key = bytes.fromhex(digits[1].decode("ascii"))
    if not any(key):  # the program that makes keys failed, or read /dev/zero
        raise StoreError(f"{file} is a key of zeros, which everybody can guess.", _HOW)
    return key


@hookimpl
def layers() -> list[type[Psk]]:
    return [Psk]
