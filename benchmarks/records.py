"""Records of plytalk/1: what they cost beside bare calls of the same AEAD, and how many messages a second share them.

    python -m benchmarks.records server|client SUITE PORT

is one of two processes in conversation, as in ours.py: a real session over TCP, here with an identity that is made for it.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.ours import HOST, ClientUi, ServerUi
from plytalk.core.ends import Client, Server
from plytalk.core.host import Host
from plytalk.core.keys import Role, Secrets
from plytalk.core.layers import Ui
from plytalk.core.stack import Stack
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY, Cipher
from plytalk.plugins.noise.states import CipherState

CIPHERS = {cipher.name: cipher for cipher in (AESGCM, CHACHAPOLY)}
SIZES = (64, 256, 16384)
PADDING = 8
"""Bytes of each record that are padding: its text is so much shorter, and by an item's header."""
HEADER = 3


def suite(cipher: str) -> str:
    """The hybrid suite with this cipher."""
    return f"Noise_XXhfs_25519+MLKEM768_{cipher}_SHA256"


def measures(cipher: Cipher, size: int, count: int) -> dict[str, Callable[[], float]]:
    """Microseconds a record of `size` bytes: sealed and opened by the layers (text in, text out) and by bare calls."""
    text = ["x" * (size - HEADER - PADDING)]
    key = bytes(range(32))
    bare, nonce = cipher.new(key), cipher.nonce(0)
    plaintext = bytes(size)
    ciphertext = bare.encrypt(nonce, plaintext, None)
    sealed: list[bytes] = []

    def transport(role: Role) -> NoiseTransport:
        return NoiseTransport(Secrets(states=(CipherState(cipher, key), CipherState(cipher, key))), role)

    client, server, out, back = transport(Role.INITIATOR), transport(Role.RESPONDER), Records(True), Records(True)

    def seal() -> float:
        pack, seal = out.pack, client.seal
        sealed.clear()
        start = perf_counter()
        for _ in range(count):
            for record in pack(text):
                sealed.append(seal(record))
        return (perf_counter() - start) / count * 1e6

    def open_() -> float:  # what `seal` left
        unpack, open_ = back.unpack, server.open
        start = perf_counter()
        for record in sealed:
            unpack(open_(record))
        return (perf_counter() - start) / count * 1e6

    def bare_seal() -> float:
        encrypt = bare.encrypt
        start = perf_counter()
        for _ in range(count):
            encrypt(nonce, plaintext, None)
        return (perf_counter() - start) / count * 1e6

    def bare_open() -> float:
        decrypt = bare.decrypt
        start = perf_counter()
        for _ in range(count):
            decrypt(nonce, ciphertext, None)
        return (perf_counter() - start) / count * 1e6

    return {"seal": seal, "open": open_, "bare seal": bare_seal, "bare open": bare_open}


def stack(ui: type[Ui], suite: str, identity: Path) -> Stack:
    """plytalk/1 as it is, with one suite; whoever comes is let in."""
    host = Host()
    names = host.profile("plytalk1").layers | {"transport": "tcp"}
    chosen = {kind: [host.layer(kind, name)] for kind, name in names.items()}
    return Stack.build({**chosen, "ui": [ui]}, {"suite": suite, "identity": identity})


async def main(role: str, suite: str, port: str, variant: str = "") -> None:
    hook: Any = Host().manager.hook
    with TemporaryDirectory() as home:
        identity = Path(home, "identity")
        if role == "server":
            await Server(stack(ServerUi, suite, identity), hook).run(HOST, 0)
        else:
            await Client(stack(ClientUi, suite, identity), hook).run(HOST, int(port))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
