"""A stream over another one: its opening, its two ends, and what is kept meanwhile."""

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest
from filters import HELLO, InPieces, Pieces

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.bases.filter_stream import UNSENT, Opening
from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.optional import Opens
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.testing import check_transport
from plytalk.testing.cutting import seeded
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle


def pair(cut=None) -> tuple[Pieces, Pieces]:
    client, server = memory_stream_pair(cut)
    return Pieces(client, begins=True), Pieces(server, begins=False)


async def opened_pair(cut=None) -> tuple[Pieces, Pieces]:
    client, server = pair(cut)
    server.start()
    await opened_client(client, 10)
    return client, server


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def test_it_passes_the_kit() -> None:
    check_transport(InPieces, "pieces")


async def test_it_makes_no_difference_how_the_bytes_below_are_cut() -> None:
    client, server = await opened_pair(one_by_one)
    ours, theirs = Receiver(client), Receiver(server)
    data = seeded(1).randbytes(5000)
    client.send(data)
    server.send(data[::-1])
    client.finish()
    await theirs.hears_the_end("no end")
    await ours.hears(data[::-1], "half-closed, and the other half is lost")
    assert theirs.came == data
    assert theirs.ends == [None]


async def test_what_is_sent_before_the_opening_is_done_waits_for_it() -> None:
    client, server = pair()
    assert isinstance(client, Opens)
    client.start()
    client.send(b"x" * (UNSENT + 1))
    client.finish()
    client.send(b"too late")
    assert (client.full, client.buffered) == (True, UNSENT + 1 + len(HELLO))
    waiting = asyncio.create_task(client.drained())
    await idle()
    assert not waiting.done()
    server.start()
    theirs = Receiver(server)
    await theirs.hears_the_end("no end")
    assert theirs.came == b"x" * (UNSENT + 1)
    await waiting


class Early(MemoryStream):
    """Hands on at once what it has read already, as a stream of uvloop does."""

    @classmethod
    def linked(cls) -> tuple["Early", MemoryStream]:
        one, other = cls("one"), MemoryStream("other")
        one._other, other._other = other, one
        return one, other

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        super().deliver_to(receive, ended)
        receive(b"early")


class InOrder(Pieces):
    """Writes down what is called."""

    def __init__(self, below: Stream) -> None:
        super().__init__(below, begins=True)
        self.order: list[object] = []

    def begin(self) -> None:
        self.order.append("begin")

    def take(self, data: bytes) -> None:
        self.order.append(data)


async def test_what_the_stream_below_has_read_already_comes_behind_the_beginning() -> None:
    below, _ = Early.linked()
    stream = InOrder(below)
    stream.start()
    assert stream.order == ["begin", b"early"]


async def test_an_opening_below_that_is_done_is_not_begun_again() -> None:
    client, server = await opened_pair()
    above, there = Pieces(client, begins=True), Pieces(server, begins=False)
    there.start()
    await opened_client(above, 10)
    heard = Receiver(there)
    above.send(b"through two")
    above.finish()
    await heard.hears_the_end("no end")
    assert (heard.came, heard.ends) == (b"through two", [None])


async def test_an_end_below_without_our_end_is_a_cut() -> None:
    client, server = await opened_pair()
    theirs = Receiver(server)
    client.send(b"half of it")
    client.below.close()
    await theirs.hears_the_end("no end")
    assert theirs.came == b"half of it"
    assert isinstance(theirs.ends[0], ConnectionAbortedError)
    assert "without the end that pieces has" in str(theirs.ends[0])


async def test_a_cut_is_told_though_nobody_reads_on() -> None:
    client, server = await opened_pair()
    theirs = Receiver(server)
    server.pause()
    client.send(b"unread")
    client.finish()
    await idle()
    server._take(client.wrap(b"one more read") + client.wrap_end())  # what a stream below may hand on when it pauses
    assert not theirs.came
    assert not theirs.ends
    server._below_ended(ConnectionResetError("cut"))
    assert theirs.came == b"one more read"
    assert [type(end) for end in theirs.ends] == [ConnectionResetError]


async def test_another_opening_is_refused_at_both_ends() -> None:
    client, server = memory_stream_pair()
    stranger, refused = Receiver(client), Pieces(server, begins=False)
    refused.start()
    client.send(b"GET / HTTP/1.1\r\n")
    with pytest.raises(HandshakeFailed, match="something else than hello"):
        await refused.opened()
    await stranger.hears_the_end("it stays open")
    assert stranger.came == b""
    assert refused.opening is Opening.FAILED


async def test_a_fault_of_the_filter_is_told_as_what_it_does_not_speak() -> None:
    class Faulty(Pieces):
        def take(self, data: bytes) -> None:
            raise ZeroDivisionError

    client, server = memory_stream_pair()
    faulty = Faulty(server, begins=False)
    faulty.start()
    client.send(b"x")
    with pytest.raises(HandshakeFailed, match="does not speak pieces"):
        await faulty.opened()


async def test_a_peer_that_leaves_instead_is_told_to_whom_waits() -> None:
    client, server = pair()
    server.start()
    client.below.close()
    with pytest.raises(HandshakeFailed, match="closed the connection instead of speaking pieces") as told:
        await server.opened()
    assert told.value.hint == "Check the address, and that both sides have the same transport."


async def test_one_that_is_closed_meanwhile_stops_waiting() -> None:
    client, _ = pair()
    client.start()
    waiting = asyncio.create_task(client.opened())
    await idle()
    client.close()
    with pytest.raises(HandshakeFailed, match="closed before it was open"):
        await waiting


async def test_a_reset_is_one_below() -> None:
    class Resets(MemoryStream):
        was_reset = False

        def reset(self) -> None:
            self.was_reset = True
            super().reset()

    client, server = pair()
    client.below.__class__ = Resets
    client.start()
    client.reset()
    assert client.below.was_reset
    server.close()


async def test_the_first_bytes_below_are_told_once_before_the_opening_is_done() -> None:
    below, far = memory_stream_pair()
    told: list[Opening] = []
    inner = Pieces(below, begins=False)
    outer = Pieces(inner, begins=False)
    outer.start()
    outer.when_heard(lambda: told.append(inner.opening))
    far.deliver_to(lambda data: None, lambda error: None)
    for byte in HELLO:
        far.send(bytes([byte]))
        await idle()
    assert told == [Opening.BEGUN]
    outer.close()


class Turns:
    """What gives turns when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    async def turn(self) -> None:
        self.waiting.append(asyncio.get_running_loop().create_future())
        await self.waiting[-1]

    async def grant(self) -> None:
        await idle()
        self.waiting.pop(0).set_result(None)
        await idle()


def taking_turns(server: Pieces) -> tuple[Turns, "asyncio.Task[None]"]:
    """Start a server's stream whose opening takes turns. Return what gives them, and the task that waits for the opening."""
    turns = Turns()
    server.start()
    server.take_turns(turns.turn)
    return turns, asyncio.create_task(server.opened())


async def test_each_step_of_an_opening_waits_for_its_turn_and_nothing_more_is_read_meanwhile() -> None:
    client, server = pair()
    turns, opened = taking_turns(server)
    client.start()
    client.send(b"hello")
    await idle()
    assert (server.opening, len(turns.waiting)) == (Opening.BEGUN, 1)
    while server.opening is Opening.BEGUN:
        await turns.grant()
    await opened
    got: list[bytes] = []
    server.deliver_to(lambda data: got.append(bytes(data)), lambda error: None)
    client.send(b" again")
    await idle()
    assert b"".join(got) == b"hello again"  # the conversation takes no turns here
    assert turns.waiting == []


async def test_the_opening_below_takes_turns_too_at_the_stream_above() -> None:
    client_end, server_end = memory_stream_pair()
    client, server = Pieces(Pieces(client_end, begins=True), begins=True), Pieces(Pieces(server_end, begins=False), begins=False)
    turns, opened = taking_turns(server)
    client.start()
    while server.opening is Opening.BEGUN:
        assert len(turns.waiting) <= 1
        await turns.grant()
    await opened
    assert isinstance(server.below, Pieces)
    assert server.below.opening is Opening.DONE


async def test_what_came_before_the_end_is_taken_before_it_and_one_that_is_closed_takes_no_turn() -> None:
    client, server = pair()
    turns, opened = taking_turns(server)
    client.start()
    await idle()
    client.below.close()
    await idle()
    server.close()
    await turns.grant()
    with pytest.raises(HandshakeFailed):
        await opened


async def test_a_stream_that_is_closed_needs_no_garbage_collection() -> None:
    """While the openings took turns, each stream referred to itself for as long as it lasted."""
    client, server = pair()
    turns, opened = taking_turns(server)
    client.start()
    await idle()
    while server.opening is Opening.BEGUN:
        await turns.grant()
    await opened
    for one in (client, server):
        one.close()
    await idle()
    seen = weakref.ref(server)
    gc.disable()
    try:
        del client, server, opened, one
        await idle()
        assert seen() is None
    finally:
        gc.enable()
