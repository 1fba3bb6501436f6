"""Whole frames over a stream: what a handshake talks through."""

import asyncio

import pytest

from plytalk.core.contracts.errors import BadFrame, FrameTooLong, HandshakeFailed, LocalError, Refused
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.peers import Identity
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.pipeline.handshake_io import FIRST, MESSAGE, FrameHandshakeIO
from plytalk.testing import PlainFrames, TypedFrames, byte_by_byte
from plytalk.testing.verdict import idle

KEY = Identity("test", b"key")


async def nobody_asks(identity: Identity) -> None:
    raise AssertionError("asked")


def wire_and_peer(framer=TypedFrames, cut=None, ask=nobody_asks, **options) -> tuple[FrameHandshakeIO, MemoryStream]:
    stream, peer = memory_stream_pair(cut)
    io = FrameHandshakeIO(framer(), stream, ask, **options)
    stream.deliver_to(io.feed, io.ended)
    return io, peer


def frame(kind: bytes, payload: bytes) -> bytes:
    return TypedFrames().encode(kind, payload)


async def test_two_ends_send_and_receive_whole_frames() -> None:
    left, right = memory_stream_pair(byte_by_byte)
    client, server = FrameHandshakeIO(TypedFrames(), left, nobody_asks), FrameHandshakeIO(TypedFrames(), right, nobody_asks)
    left.deliver_to(client.feed, client.ended)
    right.deliver_to(server.feed, server.ended)
    await client.send(b"H", b"hello")
    assert await server.receive(b"H", limit=5) == b"hello"
    await server.send(b"W", b"")
    assert await client.receive(b"W", limit=0) == b""


async def test_nothing_happens_without_await() -> None:
    io, peer = wire_and_peer()
    for reply in (io.send(b"H", b"hello"), io.receive(b"H", 5), io.ask(KEY)):
        with pytest.raises(TypeError, match="await it first"):
            assert not reply
    await idle()
    assert peer._waiting == 0


async def test_what_follows_the_frame_asked_for_stays_in_the_framer() -> None:
    framer = TypedFrames()
    stream, peer = memory_stream_pair()
    io = FrameHandshakeIO(framer, stream, nobody_asks)
    stream.deliver_to(io.feed, io.ended)
    peer.send(frame(b"K", b"last") + frame(MESSAGE, b"first words") + frame(MESSAGE, b"and more")[:-2])
    assert await io.receive(b"K", 64) == b"last"
    assert list(framer.frames()) == [(MESSAGE, b"first words")]
    assert framer.unfinished == 5 + 6


async def test_the_limit_of_the_moment_holds_for_each_frame() -> None:
    io, peer = wire_and_peer()
    peer.send(frame(b"A", bytes(10)) + frame(b"B", bytes(10)))
    assert await io.receive(b"A", 10) == bytes(10)
    with pytest.raises(FrameTooLong, match="at most 9"):
        await io.receive(b"B", 9)


async def test_a_header_is_enough_to_refuse_a_frame() -> None:
    io, peer = wire_and_peer()
    peer.send(frame(b"A", bytes(2000))[:5])
    with pytest.raises(FrameTooLong):
        await io.receive(b"A", 1999)


async def test_a_frame_of_another_kind_is_refused_where_kinds_are_known() -> None:
    io, peer = wire_and_peer()
    peer.send(frame(b"\x1b", b""))
    with pytest.raises(BadFrame, match=r"type b'A', got b'\\x1b'"):
        await io.receive(b"A", 9)
    plain, peer = wire_and_peer(PlainFrames)
    peer.send(PlainFrames().encode(b"B", b"fine"))
    assert await plain.receive(b"A", 9) == b"fine"


@pytest.mark.parametrize("sent", [b"", b"K", frame(b"K", b"half")[:-1]])
async def test_a_peer_that_goes_in_the_middle_has_failed(sent: bytes) -> None:
    io, peer = wire_and_peer()
    peer.send(sent)
    peer.close()
    with pytest.raises(HandshakeFailed, match="closed the connection during the handshake"):
        await io.receive(b"K", 9)


async def test_what_came_before_the_end_can_still_be_received() -> None:
    io, peer = wire_and_peer()
    peer.send(frame(b"K", b"whole"))
    peer.close()
    await idle()
    assert await io.receive(b"K", 9) == b"whole"
    with pytest.raises(HandshakeFailed):
        await io.receive(b"K", 9)


async def test_the_cause_of_a_broken_connection_is_kept() -> None:
    io, _ = wire_and_peer()
    io.ended(ConnectionResetError("reset"))
    with pytest.raises(HandshakeFailed) as failure:
        await io.receive(b"K", 9)
    assert isinstance(failure.value.__cause__, ConnectionResetError)


async def test_a_peer_that_sends_ahead_is_held_back() -> None:
    io, peer = wire_and_peer(unread=1000)
    asked = asyncio.create_task(io.receive(b"K", 9)._function(b"K", 9))
    await idle()
    for _ in range(100):
        peer.send(frame(b"K", bytes(9)))
        await idle()
    assert await asked == bytes(9)
    assert 86 * 14 > peer._other._inbox.__len__() * 14 > 20 * 14, "about 1,000 bytes came in, the others wait outside"
    for _ in range(99):
        assert await io.receive(b"K", 9) == bytes(9)


async def test_the_first_bytes_are_kept_to_tell_what_the_other_side_runs() -> None:
    io, peer = wire_and_peer()
    assert (io.has_received, io.first) == (False, b"")
    peer.send(bytes(range(100)))
    peer.send(b"more")
    await idle()
    assert (io.has_received, io.first) == (True, bytes(range(FIRST)))


async def test_what_a_framer_raises_is_heard_by_the_handshake() -> None:
    class Broken(TypedFrames):
        """Breaks."""

        def feed(self, data: Buffer) -> None:
            raise ZeroDivisionError

    io, peer = wire_and_peer(Broken)
    peer.send(b"x")
    with pytest.raises(ZeroDivisionError):
        await io.receive(b"K", 9)


async def test_asking_raises_what_the_judges_raise_and_returning_means_yes() -> None:
    async def judge(identity: Identity) -> None:
        if identity != KEY:
            raise Refused("no")

    io, _ = wire_and_peer(ask=judge)
    assert await io.ask(KEY) is None
    with pytest.raises(Refused):
        await io.ask(Identity("test", b"another"))


async def test_a_pre_shared_key_comes_from_whoever_brings_it() -> None:
    async def agree(asking: FrameHandshakeIO) -> bytes:
        assert asking is io
        return b"k" * 32

    io, _ = wire_and_peer(agree=agree, agreement="code")
    assert io.agreement == "code"
    assert await io.agree() == b"k" * 32
    alone, _ = wire_and_peer()
    with pytest.raises(LocalError, match="Nothing that was chosen"):
        alone.agree()


async def test_after_a_handshake_that_failed_it_asks_nobody() -> None:
    io, peer = wire_and_peer()
    io.fault = ValueError()
    io.release()
    assert io.fault is None
    with pytest.raises(LocalError, match="over"):
        await io.ask(Identity("test", b"key"))
    peer.close()


@pytest.mark.parametrize("kind", ["H", b"", b"HH", None])
async def test_a_kind_that_is_not_one_byte_is_the_handshake_s_fault_and_not_the_framer_s(kind) -> None:
    io, peer = wire_and_peer()
    for reply in (io.send(kind, b"hello"), io.receive(kind, 5)):
        with pytest.raises(TypeError, match="a frame's type is one byte, not "):
            await reply
    assert peer._waiting == 0


async def test_a_limit_that_is_no_number_is_the_handshake_s_fault() -> None:
    io, _ = wire_and_peer()
    with pytest.raises(TypeError, match="a limit is a number of bytes, not str"):
        await io.receive(b"H", "32")  # type: ignore[arg-type]
