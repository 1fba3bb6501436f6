"""What authenticators talk through: bodies, sealed, between two ends that hold the same keys."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, Tampered, WrongSecret
from plytalk.core.contracts.items import Control, Item
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO
from plytalk.core.pipeline.sealed_channel import SealedChannel
from plytalk.testing import TypedFrames, byte_by_byte
from plytalk.testing.parts import PlainWords, Unsealed


async def nobody_asks(identity: Identity) -> None:
    raise AssertionError("asked")


class Sealed(Unsealed):
    """Opens what was sealed with the same word."""

    name = "sealed"

    def __init__(self, secrets: SessionSecrets, role: Role, word: bytes = b"!") -> None:
        self.word = word

    def seal(self, plaintext: bytes) -> bytes:
        return self.word + plaintext

    def open(self, sealed: bytes) -> bytes:
        if not sealed.startswith(self.word):
            raise Tampered
        return sealed.removeprefix(self.word)


class Controls(PlainWords):
    """Says controls as they are; everything else is a word."""

    name = "controls"

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        return [b"c" + item.body if isinstance(item, Control) else b"w" + str(item).encode() for item in items]

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        return [Control(plaintext[1:]) if plaintext[:1] == b"c" else plaintext[1:].decode()]


def channels(theirs: bytes = b"!", **options) -> tuple[SealedChannel, SealedChannel, MemoryStream]:
    """Both ends of a channel; the other end seals with the word `theirs`."""
    left, right = memory_stream_pair(byte_by_byte)
    made = []
    for stream, word in ((left, b"!"), (right, theirs)):
        io = FrameHandshakeIO(TypedFrames(), stream, nobody_asks)
        stream.deliver_to(io.feed, io.ended)
        made.append(SealedChannel(io, Sealed(SessionSecrets.none(), Role.INITIATOR, word), Controls(True), **options))
    return made[0], made[1], right


async def test_bodies_go_both_ways_sealed() -> None:
    ours, theirs, _ = channels()
    await ours.send(b"question")
    assert await theirs.receive() == b"question"
    await theirs.send(b"")
    assert await ours.receive() == b""


async def test_only_who_holds_the_same_keys_can_say_anything() -> None:
    ours, theirs, _ = channels(theirs=b"?")
    await theirs.send(b"hello")
    with pytest.raises(WrongSecret):
        await ours.receive()


async def test_words_before_both_agreed_are_refused() -> None:
    ours, _, stream = channels()
    stream.send(TypedFrames().encode(MESSAGE, b"!whello"))
    with pytest.raises(HandshakeFailed, match="began to talk before"):
        await ours.receive()


@pytest.mark.parametrize(("mine", "its", "agree"), [(b"same", b"same", True), (b"one", b"other", False), (b"one", b"", False)])
async def test_both_prove_that_they_hold_the_same(mine: bytes, its: bytes, agree: bool) -> None:
    ours, theirs, _ = channels()
    results = await asyncio.gather(_proof(ours, mine), _proof(theirs, its))
    assert results == [agree, agree]


async def _proof(channel: SealedChannel, binding: bytes) -> bool:
    try:
        await channel.prove(binding)
    except WrongSecret:
        return False
    return True


async def test_who_hangs_up_instead_of_proving_holds_something_else() -> None:
    ours, theirs, stream = channels(theirs=b"?")
    stream.close()
    with pytest.raises(WrongSecret, match="hung up"):
        await ours.prove(b"same")
    ours, _, stream = channels(theirs=b"?")
    stream.send(TypedFrames().encode(MESSAGE, b"anything"))
    with pytest.raises(WrongSecret, match="do not know the same secret"):
        await ours.prove(b"same")
    ours, _, stream = channels()
    stream.send(TypedFrames().encode(MESSAGE, b"!whello"))
    with pytest.raises(HandshakeFailed, match="began to talk"):
        await ours.prove(b"same")
    assert theirs


async def test_the_clock_stands_still_while_the_other_side_s_person_thinks() -> None:
    @contextmanager
    def thinking() -> Iterator[None]:
        clock.append("stands")
        yield
        clock.append("goes")

    clock: list[str] = []
    ours, theirs, _ = channels(thinking=thinking)
    await theirs.send(b"at once")
    assert await ours.receive() == b"at once"
    assert clock == []
    await theirs.send(b"yes")
    assert await ours.receive(person=True) == b"yes"
    assert clock == ["stands", "goes"]
