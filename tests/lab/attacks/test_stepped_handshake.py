"""The attacker's own handshake, with each of its messages held."""

import asyncio
from collections.abc import Sequence

import pytest

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Role
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.attacker_connection import StackConnection
from tests.system.verdicts.stacks import stack_named


async def shaken(tmp_path, change) -> tuple[list[tuple[bool, FrameKind, int]], list[object]]:
    """What was held, and how the handshakes of the attacker in the server's place and of a client end."""
    scenario = stack_named("secure-chat", Registry())
    ours, theirs = memory_stream_pair()
    attacker = StackConnection(scenario.stack("attacker", tmp_path), ours, Role.RESPONDER)
    client = StackConnection(scenario.stack("client", tmp_path), theirs, Role.INITIATOR)
    held: list[tuple[bool, FrameKind, int]] = []

    async def hold(own: bool, kind: FrameKind, payload: bytes, before: Sequence[bytes]) -> Sequence[bytes]:
        held.append((own, kind, len(before)))
        return change(kind, payload)

    attacker.step(hold)
    try:
        async with asyncio.timeout(180):
            ends = await asyncio.gather(attacker.shake_hands(), client.shake_hands(), return_exceptions=True)
    finally:
        ours.close()
        theirs.close()
    return held, list(ends)


def test_each_message_is_held_whoever_sends_it(tmp_path) -> None:
    held, ends = asyncio.run(shaken(tmp_path, lambda kind, payload: [payload]))
    assert held == [(True, b"K", 0), (False, b"S", 1)]
    assert not any(isinstance(one, BaseException) for one in ends)


def test_what_is_edited_arrives_edited(tmp_path) -> None:
    _, ends = asyncio.run(shaken(tmp_path, lambda kind, payload: [payload[:-1] if kind == b"S" else payload]))
    assert isinstance(ends[0], HandshakeFailed)
    assert not isinstance(ends[1], BaseException)


def test_a_message_that_is_repeated_is_sent_again(tmp_path) -> None:
    held, ends = asyncio.run(shaken(tmp_path, lambda kind, payload: [payload] * (2 if kind == b"K" else 1)))
    assert held == [(True, b"K", 0), (False, b"S", 1)]
    assert not any(isinstance(one, BaseException) for one in ends)


def test_a_message_that_is_dropped_does_not_arrive(tmp_path) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(shaken(tmp_path, lambda kind, payload: []))
