"""`chat bench`: the real pipeline, both ends in one process, without a person and without authenticators.

Every round measures all stacks one after the other, so that other work of the machine affects all of them equally. The figures
are the medians of the rounds. Bytes are counted once, at the stream.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.errors import ChatError, LocalError, PluginError, UnknownPeer
from plytalk.core.contracts.events import Event, Message
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.endpoint import close
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.tracing import OUT, TraceEvent
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.scenario import Scenario

BURST = 64 * 1024
"""About how many bytes are said before the other end must have heard them: what a chat reads at once."""
PATIENCE = 30.0
"""After how many seconds a message counts as lost."""


class CountingUi(Ui):
    """Counts the characters that it is shown: a stack without boundaries may join messages."""

    name = "counting"

    def __init__(self) -> None:
        self.left = 0
        self.all_came = asyncio.Event()

    async def run(self, session: Conversation) -> None:
        await asyncio.Event().wait()

    def show(self, event: Event) -> None:
        if isinstance(event, Message) and not event.own:
            self.left -= len(event.text)
            if self.left <= 0:
                self.all_came.set()


class ByteCount:
    """A trace that counts what both ends send."""

    def __init__(self) -> None:
        self.sent = 0

    def __call__(self, event: TraceEvent) -> None:
        if event.layer == "transport" and event.way == OUT:
            self.sent += len(event.data)


@dataclass
class StackCost:
    """A stack and what was measured of it. `marked` is the one that the user chose."""

    name: str
    scenario: Scenario
    marked: bool = False
    handshake_bytes: int = 0
    added: dict[int, int] = field(default_factory=dict)
    """Bytes on the wire beyond those of the text, for a message of each size that is sent alone."""
    handshakes: list[float] = field(default_factory=list)
    """Handshakes per second, in each round."""
    messages: dict[int, list[float]] = field(default_factory=dict)
    """Messages per second of each size, in each round."""

    @property
    def layers(self) -> dict[str, str]:
        return {kind: layer.name for kind, [layer] in self.scenario.classes.items() if kind not in ("ui", "transport")}

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "chosen": self.marked,
            "layers": self.layers,
            "handshakes_per_second": median(self.handshakes),
            "handshake_bytes": self.handshake_bytes,
            "messages": [
                {"bytes": size, "per_second": median(rates), "added_bytes": self.added[size]}
                for size, rates in self.messages.items()
            ],
        }


def scenario_of(name: str, classes: Mapping[str, Sequence[type[Layer]]], options: Mapping[str, Any]) -> Scenario:
    """A stack without authenticators and features, whose ends count what they hear."""
    kept = {kind: list(layers) for kind, layers in classes.items() if kind not in ("auth", "feature", "ui")}
    return Scenario(name, {**kept, "ui": [CountingUi]}, (), options)


async def measure(
    costs: Sequence[StackCost], folder: Path, *, sizes: Sequence[int], rounds: int, seconds: float, tcp: bool
) -> None:
    """Measure each stack in each round, for this many seconds a figure. Raises ChatError, naming the stack that cannot talk."""
    pairs = [await _prepared(cost, folder / str(number)) for number, cost in enumerate(costs)]
    for cost, pair in zip(costs, pairs, strict=True):
        try:
            await _count_bytes(cost, pair, sizes)
        except ChatError as error:
            raise type(error)(f"The stack `{cost.name}` cannot be measured: {error}", error.hint) from error
    for _ in range(rounds):
        for cost, pair in zip(costs, pairs, strict=True):
            cost.handshakes.append(await _handshakes(pair, seconds, tcp))
            async with _conversation(pair, tcp) as (client, server):
                for size in sizes:
                    cost.messages.setdefault(size, []).append(await _messages(client, server, size, seconds))


@dataclass(frozen=True)
class StackPair:
    """The stacks of a client and a server."""

    client: Stack
    server: Stack


async def _prepared(cost: StackCost, folder: Path) -> StackPair:
    pair = StackPair(*(cost.scenario.stack(role.value, folder) for role in Role))
    for role, stack in zip(Role, (pair.client, pair.server), strict=True):
        for layer in (stack.transport, stack.handshake):
            await prepare(layer, role, _nobody_is_asked)
    return pair


def _nobody_is_asked(prompt: str) -> str:
    raise UnknownPeer(f"{prompt.rstrip(': ')} is needed, and nobody is asked while a stack is measured.")


async def _count_bytes(cost: StackCost, pair: StackPair, sizes: Sequence[int]) -> None:
    count = ByteCount()
    async with _conversation(pair, False, count) as (client, server):
        cost.handshake_bytes = count.sent
        for size in sizes:
            before = count.sent
            await _say(client, server, size, 1)
            cost.added[size] = count.sent - before - size


async def _handshakes(pair: StackPair, seconds: float, tcp: bool) -> float:
    done, spent = 0, 0.0
    while spent < seconds:
        start = perf_counter()
        async with _conversation(pair, tcp):
            spent += perf_counter() - start
        done += 1
    return done / spent


async def _messages(client: DirectChat, server: DirectChat, size: int, seconds: float) -> float:
    burst = max(1, BURST // size)
    await _say(client, server, size, burst)  # one before that does not count
    done, start = 0, perf_counter()
    while (spent := perf_counter() - start) < seconds:
        await _say(client, server, size, burst)
        done += burst
    return done / spent


async def _say(client: DirectChat, server: DirectChat, size: int, burst: int) -> None:
    """Say this many messages of this many bytes, and wait until the other end has shown them. Raises LocalError, ChatError."""
    ui = server.stack.ui
    assert isinstance(ui, CountingUi)
    ui.left = size * burst
    ui.all_came.clear()
    text = "x" * size
    for _ in range(burst):
        client.say(text)
    await client.drain()
    try:
        async with asyncio.timeout(PATIENCE):
            await ui.all_came.wait()
    except TimeoutError:
        errors = [end.ending.error for end in (server, client) if end.ending and end.ending.error]
        if errors:
            raise min(errors, key=lambda error: not isinstance(error, PluginError)) from None  # a layer's own fault first
        raise LocalError(f"Of {burst} messages of {size} bytes, not all arrived.") from None


@asynccontextmanager
async def _conversation(
    pair: StackPair, tcp: bool, trace: ByteCount | None = None
) -> AsyncIterator[tuple[DirectChat, DirectChat]]:
    """A conversation that has just been opened, until the block ends. Raises ChatError."""
    streams = await _tcp_streams(pair) if tcp else memory_stream_pair()
    client, server = (
        DirectChat(Connection(replace(stack, ui=CountingUi()), stream, role, trace=trace))
        for stack, stream, role in zip((pair.client, pair.server), streams, Role, strict=True)
    )
    try:
        await asyncio.gather(client.open(), server.open())
        client.begin()
        server.begin()
        yield client, server
    finally:
        for session in (client, server):
            close(session)


async def _tcp_streams(pair: StackPair) -> tuple[Stream, Stream]:
    listener = await pair.server.transport.listen("127.0.0.1", 0)
    try:
        port = int(listener.address.rpartition(":")[2])
        client, server = await asyncio.gather(pair.client.transport.connect("127.0.0.1", port), listener.accept())
    finally:
        await listener.close()
    return client, server
