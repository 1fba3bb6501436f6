"""One side of a handshake against an attacker that only plays back: recorded messages, or the side's own."""

import asyncio
from collections.abc import Sequence

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.testing.attempts import CLIENT, Judge
from plytalk.testing.parts import TypedFrames

Frames = Sequence[tuple[FrameKind, bytes]]


async def play_back(end: Handshake, role: Role, frames: Frames) -> bool:
    """Whether a side completes a handshake with somebody who sends recorded frames, whatever this side says."""
    return await _alone(end, role, TypedFrames(), frames, mirror=False)


async def mirror(end: Handshake, role: Role) -> bool:
    """Whether a side completes a handshake with its own messages, sent back to it."""
    return await _alone(end, role, TypedFrames(), (), mirror=True)


async def _alone(end: Handshake, role: Role, framer: HeaderFramer, frames: Frames, mirror: bool) -> bool:
    stream, attacker = memory_stream_pair()
    io = Judge(framer, stream, False)
    stream.deliver_to(io.feed, io.ended)
    attacker.deliver_to((lambda data: attacker.send(bytes(data))) if mirror else (lambda data: None), lambda error: None)
    for kind, payload in frames:
        attacker.send(framer.encode(kind, payload))
    if not mirror:
        attacker.finish()
    talk = asyncio.ensure_future(end.initiate(io) if role is CLIENT else end.respond(io))
    done, _ = await asyncio.wait({talk}, timeout=None if not mirror else 0.2)
    if not done:  # it waits for more than it says itself
        talk.cancel()
        await asyncio.wait({talk})
    stream.close()
    attacker.close()
    return bool(done) and not talk.cancelled() and talk.exception() is None and isinstance(talk.result(), SessionSecrets)
