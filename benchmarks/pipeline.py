"""The pipeline alone: two ends in one process over the transport `memory`, and what each layer costs by itself.

A burst is what a chat reads from standard input at once (script.PIECE). The pipeline is `Connection`: out, from `send` of an item
until its bytes are with the stream; in, from the bytes until the receiver has the items. A chat is that and the conversation
above it: out from `say`, in until the UI has the event of each text. All figures are microseconds a message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from operator import length_hint
from time import perf_counter
from typing import Any, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import script
from benchmarks.ours import Quiet, stack
from plytalk.core.contracts.events import Event, Message
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack

Make = Callable[..., Connection]
Measured = Callable[[int, int], Awaitable[tuple[float, float]]]


class Countdown:
    """Counts messages down and says when all have come."""

    left = 0

    def __init__(self) -> None:
        self.all_came = asyncio.Event()

    def expect(self, count: int) -> None:
        self.left = count
        self.all_came.clear()

    def came(self, count: int) -> None:
        self.left -= count
        if not self.left:
            self.all_came.set()


class Counter(Countdown, Quiet):
    """A UI that counts messages."""

    def show(self, event: Event) -> None:
        if event.__class__ is Message:
            self.came(1)


class CountingReceiver(Countdown):
    """A connection's receiver that counts items."""

    def receive(self, items: Iterable[Item]) -> None:
        self.came(length_hint(items))

    def skipped(self, why: str) -> None:
        raise RuntimeError(why)

    def fail(self, error: BaseException) -> None:
        raise error

    def ended(self, error: Exception | None) -> None: ...


def connections(profile: str, make: Make = Connection) -> list[Connection]:
    """Both ends of a connection over memory."""
    registry = Registry()
    return [
        make(stack(registry, profile, Counter, transport="memory"), stream, role)
        for stream, role in zip(memory_stream_pair(), (Role.INITIATOR, Role.RESPONDER), strict=True)
    ]


async def pipeline(profile: str) -> Measured:
    """Two connections that are open, and what measures the way from one to the other."""
    client, server = connections(profile)
    await asyncio.gather(client.open(), server.open())
    receiver = CountingReceiver()
    client.start(CountingReceiver())
    server.start(receiver)

    async def flush() -> None:
        client.flush()
        await client.stream.drained()

    return partial(out_and_in, client.send, flush, receiver)


async def chat(profile: str, make: Make = Connection) -> Measured:
    """Two conversations that are open, and what measures the way from one to the other."""
    client, server = map(DirectChat, connections(profile, make))
    await asyncio.gather(client.open(), server.open())
    client.begin()
    server.begin()
    return partial(out_and_in, client.say, client.drain, cast(Counter, server.stack.ui))


async def out_and_in(
    say: Callable[[str], None], drain: Callable[[], Awaitable[None]], receiver: Countdown, size: int, count: int
) -> tuple[float, float]:
    """What a message costs on its way out and on its way in."""
    out = back = 0.0
    for burst in script.bursts(size, count):
        receiver.expect(len(burst))
        start = perf_counter()
        for line in burst:
            say(line)
        await drain()
        middle = perf_counter()
        await receiver.all_came.wait()
        out += middle - start
        back += perf_counter() - middle
    return out / count * 1e6, back / count * 1e6


async def alone(profile: str, size: int, count: int, tries: int) -> list[tuple[float, float]]:
    measure = await chat(profile)
    await measure(size, count)
    return [await measure(size, count) for _ in range(tries)]


async def multiples(profile: str, size: int, count: int, rounds: int, repeats: int) -> list[tuple[float, ...]]:
    """How many bare calls of the AEAD a message costs: through the pipeline out and in, and from chat to chat.

    For each round, of its best tries; all take turns.
    """
    through, between = await pipeline(profile), await chat(profile)
    found: list[tuple[float, ...]] = []
    for _ in range(rounds + 1):  # one before that does not count
        tries = [(*await through(size, count), *await between(size, count), *bare(size, count)) for _ in range(repeats)]
        out, back, said, heard, sealing, opening = map(min, zip(*tries, strict=True))
        found.append((out / sealing, back / opening, said / sealing, heard / opening))
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
