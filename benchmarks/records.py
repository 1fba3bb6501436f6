"""Records of plytalk/1: what they cost beside bare calls of the same AEAD, and how many messages a second share them.

    python -m benchmarks.records server|client SUITE PORT

is one of two processes in conversation, as in ours.py: a real session over TCP, here with an identity that is made for it.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from benchmarks import script
from benchmarks.ours import HOST, Quiet
from benchmarks.pairs import APART, CORES, Process
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.ui import Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY, CipherFunctions
from plytalk.plugins.noise.states import CipherState

CIPHERS = {cipher.name: cipher for cipher in (AESGCM, CHACHAPOLY)}
SIZES = (64, 256, 16384)
PADDING = 8
"""Bytes of each record that are padding: its text is so much shorter, and by an item's header."""
HEADER = 3
TOGETHER = 16


def suite(cipher: str) -> str:
    """The hybrid suite with this cipher."""
    return f"Noise_XXhfs_25519+MLKEM768_{cipher}_SHA256"


Crypt = Callable[[bytes], bytes]
Measure = Callable[[int], tuple[float, float]]
"""Measures this many records: processor µs a record, out and in."""


def directions(cipher: CipherFunctions) -> tuple[Crypt, Crypt]:
    """One direction of a conversation: how its sender seals and how its receiver opens."""
    key = bytes(range(32))
    client, server = (
        NoiseTransport(SessionSecrets(states=(CipherState(cipher, key), CipherState(cipher, key))), role)
        for role in (Role.INITIATOR, Role.RESPONDER)
    )
    return client.seal, server.open


def layers(cipher: CipherFunctions, size: int) -> Measure:
    """Records of `size` bytes, from text to ciphertext and back, by the layers `records` and `noise`."""
    text = ["x" * (size - HEADER - PADDING)]
    seal, unseal = directions(cipher)
    pack, unpack = Records(True).pack, Records(True).unpack

    def out(count: int) -> list[bytes]:
        return [seal(record) for _ in range(count) for record in pack(text)]

    def back(sealed: list[bytes]) -> None:
        for record in sealed:
            unpack(unseal(record))

    return partial(timed, out, back)


def layer(cipher: CipherFunctions, size: int) -> Measure:
    """From plaintext to ciphertext and back, by the layer `noise` alone."""
    plaintext = bytes(size)
    seal, unseal = directions(cipher)

    def out(count: int) -> list[bytes]:
        return [seal(plaintext) for _ in range(count)]

    def back(sealed: list[bytes]) -> None:
        for record in sealed:
            unseal(record)

    return partial(timed, out, back)


def bare(cipher: CipherFunctions, size: int) -> Measure:
    """The same for calls of the AEAD alone, with bytes and a nonce that are there already."""
    aead, nonce, plaintext = cipher.new(bytes(range(32))), cipher.nonce(0), bytes(size)
    encrypt, decrypt = aead.encrypt, aead.decrypt

    def out(count: int) -> list[bytes]:
        return [encrypt(nonce, plaintext, None) for _ in range(count)]

    def back(sealed: list[bytes]) -> None:
        for record in sealed:
            decrypt(nonce, record, None)

    return partial(timed, out, back)


KINDS = {"layers": layers, "cipher": layer, "bare": bare}


def timed(out: Callable[[int], list[bytes]], back: Callable[[list[bytes]], None], count: int) -> tuple[float, float]:
    """A few at a time: a program does not keep what it has sealed, and fresh pages of the system would be timed too."""
    sealing = opening = 0.0
    for _ in range(count // TOGETHER):
        start = process_time()
        sealed = out(TOGETHER)
        middle = process_time()
        back(sealed)
        opening += process_time() - middle
        sealing += middle - start
    return sealing / count * 1e6, opening / count * 1e6


BYTES = 100
"""The type of an item that carries bytes instead of text."""


class Receiver(Quiet):
    """Counts what comes: as much as the first message announces. Answers with the processor seconds it took."""

    left, _start = 0, 0.0

    async def run(self, session: Any) -> None:
        self._say = session.say
        session.extend(BYTES, lambda body: self.message(""))
        await super().run(session)

    def message(self, text: str) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                self._say(f"{process_time() - self._start}")
        else:
            self.left, self._start = int(text), process_time()
            self._say("go on")


class Sender(Quiet):
    """For each line "SIZE COUNT" of standard input: sends as told (items of bytes if "bytes" follows), prints
    seconds, its own processor's and the receiver's.
    """

    async def run(self, session: Any) -> None:
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        print("open", flush=True)
        while order := sys.stdin.readline():  # blocks the loop: nobody speaks between two orders
            size, count, *in_bytes = order.split()
            bursts = script.bursts(int(size), int(count))
            item = Extension(BYTES, bytes(int(size)))
            say: Callable[[str], None] = partial(send_bytes, session, item) if in_bytes else session.say
            session.say(count)
            await self._answers.get()
            start, busy = perf_counter(), process_time()
            for burst in bursts:
                for line in burst:
                    say(line)
                await session.drain()
                await asyncio.sleep(0)  # the next piece of standard input comes in a later turn of the loop
            busy = process_time() - busy
            theirs = await self._answers.get()
            print(perf_counter() - start, busy, theirs, flush=True)

    def message(self, text: str) -> None:
        self._answers.put_nowait(text)


def send_bytes(session: DirectChat, item: Extension, _: str) -> None:
    """Send the item in place of a message."""
    session.send_item(item)


class Pair:
    """A receiver and a sender in conversation, each a process on its own core; used in a `with`."""

    def __init__(self, suite: str) -> None:
        self._open = ExitStack()
        with ExitStack() as stack:
            self._server = Process("records", "server", suite, "0")
            stack.callback(self._server.end)
            self._client = Process("records", "client", suite, self._server.line())
            stack.callback(self._client.end)
            self._client.line()
            self._open = stack.pop_all()

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def measure(self, size: int, count: int, kind: str = "") -> list[float]:
        """`count` messages of `size` characters, or items of `bytes`: seconds, the sender's processor seconds, the receiver's."""
        if CORES:
            self._client.pin(APART[0])
            self._server.pin(APART[1])
        self._client.tell(f"{size} {count} {kind}")
        return [float(one) for one in self._client.line().split()]


def stack(ui: type[Ui], suite: str, identity: Path) -> Stack:
    """plytalk/1 as it is, with one suite; any peer is let in."""
    registry = Registry()
    names = {**registry.profile("plytalk1").layers, "transport": "tcp"}
    chosen = {kind: [registry.layer(kind, name)] for kind, name in names.items()}
    return Stack.build({**chosen, "ui": [ui]}, {"suite": suite, "identity": identity})


async def main(role: str, suite: str, port: str, variant: str = "") -> None:
    hook: Any = Registry().manager.hook
    with TemporaryDirectory() as home:
        identity = Path(home, "identity")
        if role == "server":
            await Server(stack(Receiver, suite, identity), hook).run(HOST, 0)
        else:
            await Client(stack(Sender, suite, identity), hook).run(HOST, int(port))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
