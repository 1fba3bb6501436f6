"""Whole conversations in one process: two sessions over a link that cuts the bytes as it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.kinds import REPEATABLE
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.ui_hearer import show_open
from plytalk.core.io.memory_stream import Cut, memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.stack.selection import Stack
from plytalk.testing.parts import GivenKeys, Nowhere, PlainWords, RecordingUi, TypedFrames, Unsealed

PARTS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (Nowhere, TypedFrames, GivenKeys, Unsealed, PlainWords, RecordingUi)
}


@dataclass(frozen=True)
class Endpoint:
    """One end of an open conversation."""

    session: DirectChat
    ui: RecordingUi

    def say(self, text: str) -> None:
        """As if it had been typed here."""
        self.session.say(text)

    async def hears(self, messages: int = 1) -> list[str]:
        """All that this side has been told, once that is at least this many messages."""
        await self.ui.until(messages=messages)
        return self.ui.messages

    async def over(self) -> Ending:
        """Wait for the end of the conversation at this side."""
        return await self.session.over()


def stack_of(*layers: type[Layer], **options: Any) -> Stack:
    """A stack of these layers, and of the plainest there is for every other kind; where only one of a kind fits, the last counts.

    Raises ImpossibleStack.
    """
    chosen: dict[str, list[type[Layer]]] = {kind: [layer] for kind, layer in PARTS.items()}
    for layer in layers:
        chosen[layer.kind] = [*(chosen.get(layer.kind, ()) if layer.kind in REPEATABLE else ()), layer]
    return Stack.build(chosen, options)


@asynccontextmanager
async def two_ends(
    *layers: type[Layer], cut: Cut | None = None, limits: Limits | None = None, **options: Any
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """A client and a server of these layers (see `stack_of`), in conversation until the block ends.

        async with two_ends(Xor, cut=byte_by_byte) as (client, server):
            client.say("hello")
            assert await server.hears() == ["hello"]

    Raises ChatError where no conversation comes about.
    """
    async with open_ends(stack_of(*layers, **options), stack_of(*layers, **options), cut=cut, limits=limits) as sides:
        yield sides


@asynccontextmanager
async def open_ends(
    client: Stack, server: Stack, *, cut: Cut | None = None, limits: Limits | None = None
) -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """The same for two stacks made in advance, each with a `RecordingUi`. Raises what the first to fail raises."""
    streams = memory_stream_pair(cut)
    sessions = (
        DirectChat(Connection(client, streams[0], Role.INITIATOR, limits=limits)),
        DirectChat(Connection(server, streams[1], Role.RESPONDER, limits=limits)),
    )
    openings = [asyncio.create_task(session.open()) for session in sessions]
    try:
        await asyncio.wait(openings, return_when=asyncio.FIRST_EXCEPTION)
        for opening in openings:
            if opening.done():
                opening.result()
        for session in sessions:
            if isinstance(session.stack.ui, RecordingUi):
                session.stack.ui.session = session
            show_open(session.stack.ui, session)
            session.begin()
        yield Endpoint(sessions[0], cast(RecordingUi, client.ui)), Endpoint(sessions[1], cast(RecordingUi, server.ui))
    finally:
        for opening in openings:
            opening.cancel()
        await asyncio.gather(*openings, return_exceptions=True)
        for stream in streams:
            stream.close()
