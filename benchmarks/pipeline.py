"""The pipeline alone: two sessions in one process over the memory transport, and what each layer costs by itself.

A burst is what a chat reads from standard input at once (script.PIECE). Out: from `say` until the bytes are with the stream.
In: from the stream's bytes until the UI has every text. All figures are microseconds a message.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import script
from benchmarks.ours import Quiet, stack
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack


class Counter(Quiet):
    """Counts messages down and says when all have come."""

    left = 0

    def __init__(self) -> None:
        self.all_came = asyncio.Event()

    def message(self, text: str) -> None:
        self.left -= 1
        if not self.left:
            self.all_came.set()


async def sessions(profile: str) -> tuple[DirectChat, DirectChat]:
    """Two sessions of a profile that have done their handshake over memory."""
    registry = Registry()
    client, server = (
        DirectChat(Connection(stack(registry, profile, Counter, transport="memory"), stream, role))
        for stream, role in zip(memory_stream_pair(), (Role.INITIATOR, Role.RESPONDER), strict=True)
    )
    await asyncio.gather(client.open(), server.open())
    client.begin()
    server.begin()
    return client, server


async def out_and_in(client: DirectChat, server: DirectChat, size: int, count: int) -> tuple[float, float]:
    """What a message costs on its way out and on its way in."""
    ui: Any = server.stack.ui
    out = back = 0.0
    for burst in script.bursts(size, count):
        ui.left = len(burst)
        ui.all_came.clear()
        start = perf_counter()
        for line in burst:
            client.say(line)
        await client.drain()
        middle = perf_counter()
        await ui.all_came.wait()
        out += middle - start
        back += perf_counter() - middle
    return out / count * 1e6, back / count * 1e6


async def alone(profile: str, size: int, count: int, tries: int) -> list[tuple[float, float]]:
    client, server = await sessions(profile)
    await out_and_in(client, server, size, count)
    return [await out_and_in(client, server, size, count) for _ in range(tries)]


async def multiples(profile: str, size: int, count: int, rounds: int, repeats: int) -> list[tuple[float, float]]:
    """How many bare calls of the AEAD a message costs on its way out and in: for each round, of its best tries."""
    client, server = await sessions(profile)
    found = []
    for _ in range(rounds + 1):  # one before that does not count
        tries = [(*await out_and_in(client, server, size, count), *bare(size, count)) for _ in range(repeats)]
        out, back, sealing, opening = map(min, zip(*tries, strict=True))
        found.append((out / sealing, back / opening))
    return found[1:]


def bare(size: int, count: int) -> tuple[float, float]:
    """What a call of AES-GCM costs by itself, to seal and to open, with a nonce and bytes that are there already."""
    aead, nonce, plaintext = AESGCM(bytes(32)), bytes(12), bytes(size)
    sealed = aead.encrypt(nonce, plaintext, None)
    encrypt, decrypt = aead.encrypt, aead.decrypt
    return (
        timed(lambda: [encrypt(nonce, plaintext, None) for _ in range(count)], count),
        timed(lambda: [decrypt(nonce, sealed, None) for _ in range(count)], count),
    )


def layers(chosen: Stack, size: int, count: int) -> dict[str, float]:
    """What each layer costs, called by itself with what the layer before it would hand it."""
    framer, messages = chosen.framer(), chosen.messages()
    cipher = chosen.cipher(SessionSecrets.shared(bytes(32)), Role.INITIATOR)
    framer.limit = size + cipher.overhead
    texts = ["x" * size] * count
    plaintexts = list(messages.pack(texts))
    sealed = [cipher.seal(plaintext) for plaintext in plaintexts]
    frames = [framer.encode(MESSAGE, one) for one in sealed]
    reads = cut(b"".join(frames)) if frames[0] != sealed[0] else frames  # without boundaries each read is a message

    def unframe() -> None:
        for read in reads:
            framer.feed(read)
            for _ in framer.frames():
                pass

    return {
        "messages.prepare": each(messages.prepare, texts),
        "messages.pack": timed(lambda: messages.pack(texts), count),
        "cipher.seal": each(cipher.seal, plaintexts),
        "framer.encode": timed(lambda: [framer.encode(MESSAGE, one) for one in sealed], count),
        "framer.feed, framer.frames": timed(unframe, count),
        "cipher.open": each(cipher.open, sealed),
        "messages.unpack": each(messages.unpack, plaintexts),
        "sanitiser": each(clean, texts),
    }


def cut(data: bytes) -> list[bytes]:
    return [data[at : at + script.PIECE] for at in range(0, len(data), script.PIECE)]


def each(function: Callable[[Any], Any], arguments: list[Any]) -> float:
    return timed(lambda: [function(argument) for argument in arguments], len(arguments))


def timed(function: Callable[[], Any], count: int) -> float:
    start = perf_counter()
    function()
    return (perf_counter() - start) / count * 1e6
