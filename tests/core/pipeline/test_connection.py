"""A connection: bytes to items and back, whatever its receiver does meanwhile."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, Tampered
from plytalk.core.contracts.items import Ack, Empty, Item
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.pipeline.connection import ITEM_KEPT, Connection, Reading
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.messages.text import Text
from plytalk.testing import TypedFrames, byte_by_byte, stack_of
from plytalk.testing.parts import GivenKeys, PlainWords, Unsealed
from plytalk.testing.transports import Receiver as Peer
from plytalk.testing.verdict import idle

DONE = ("done", (1, 20))
"""The end of a read, and the size of the record in which reading is stopped first."""


class Silent(GivenKeys):
    """Nothing is agreed on."""

    async def initiate(self, io) -> SessionSecrets:
        return SessionSecrets.none()


class Several(PlainWords):
    """Several words in one plaintext; `!` breaks it."""

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        for word in plaintext.decode().split():
            if word == "!":
                raise Tampered("A broken word.")
            yield word


class Recorder:
    """A receiver and a meter that records its calls, and stops the reading at a word that ends with a dot."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.told, self.arrived = connection, list[object](), 0
        connection.meter = self

    def records(self, count: int, size: int, items: int) -> None:
        self.told.append((count, size))

    def item(self) -> None:
        """Nothing."""

    def kept(self, size: int) -> None:
        if self.connection.arrived > self.arrived:
            self.told.append("done")
        self.arrived = self.connection.arrived

    def receive(self, items: Iterable[Item]) -> Iterator[Item] | None:
        rest = iter(items)
        for item in rest:
            self.told.append(item)
            if str(item).endswith("."):
                self.connection.stop_reading()
                return rest
        return None

    def skipped(self, why: str) -> None:
        self.told.append(why)

    def fail(self, error: Exception) -> None:
        self.told.append(error)
        self.connection.ignore_rest()

    def ended(self, error: Exception | None) -> None:
        self.told.append(("end", error))


class Case:
    """A started connection, its receiver, and its peer as bare bytes."""

    def __init__(self, *layers) -> None:
        self.peer, self.stream = memory_stream_pair()
        self.connection = Connection(stack_of(Silent, Several, *layers), self.stream, Role.INITIATOR)
        self.receiver = Recorder(self.connection)
        self.heard = Peer(self.peer)

    async def start(self) -> "Case":
        await self.connection.open()
        self.connection.start(self.receiver)
        return self

    async def hears(self, *plaintexts: bytes) -> list[object]:
        """What the receiver is told when these come in one piece."""
        self.receiver.told.clear()
        self.peer.send(b"".join(map(frame, plaintexts)))
        await idle()
        return self.receiver.told

    def close(self) -> None:
        self.connection.close()
        self.peer.close()


def frame(payload: bytes, kind: bytes = b"M") -> bytes:
    return TypedFrames().encode(kind, payload)


async def test_each_record_of_a_read_is_handed_over_with_its_size_and_then_the_read_is_done() -> None:
    case = await Case().start()
    assert await case.hears(b"one two", b"three") == [(1, 7), "one", "two", (1, 5), "three", "done"]
    case.close()


@pytest.mark.parametrize("cut", [None, byte_by_byte])
async def test_reading_stops_within_a_record_and_goes_on_there(cut) -> None:
    case = await Case().start()
    case.peer._cut = cut
    told = await case.hears(b"one. two three. four", b"five")
    assert [each for each in told if each not in DONE] == ["one."]
    assert case.connection.reading is Reading.STOPPED
    assert case.stream._paused
    case.connection.read_on()
    assert [each for each in told if each not in DONE] == ["one.", "two", "three."]
    case.connection.read_on()
    await idle()
    assert [each for each in told if each not in DONE][3:] == ["four", (1, 4), "five"]
    assert case.connection.reading is Reading.OPEN
    case.close()


async def test_where_all_layers_have_batch_forms_what_one_read_brings_is_handed_over_in_one_call() -> None:
    class Keyed(Silent):
        """The same key for both directions."""

        async def initiate(self, io) -> SessionSecrets:
            return SessionSecrets.shared(bytes(32))

    case = await Case(Keyed, AesGcm, Text).start()
    cipher = AesGcm(SessionSecrets.shared(bytes(32)), Role.RESPONDER)
    told = await case.hears(*map(cipher.seal, (b"one", b"two.", b"three")))
    assert told == [(3, 3 * 28 + 12), "one", "two.", "done"]
    assert case.connection.unfinished >= ITEM_KEPT
    case.connection.read_on()
    await idle()
    assert told[4:] == ["three"]
    assert case.connection.unfinished == 0
    case.close()


async def test_an_error_in_the_middle_of_a_record_comes_after_what_was_before_it() -> None:
    case = await Case().start()
    case.connection.meter = None  # it would have to know first how many items there are
    told = await case.hears(b"one", b"two ! three", b"four")
    assert told[:2] == ["one", "two"]
    assert isinstance(told[2], Tampered)
    case.peer.send(frame(b"five"))
    await idle()
    assert len(told) == 3  # nothing is handed over any more
    case.close()


async def test_a_frame_of_another_type_is_skipped_and_said() -> None:
    case = await Case().start()
    case.receiver.told.clear()
    case.peer.send(frame(b"?", b"Z") + frame(b"one"))
    await idle()
    assert case.receiver.told == ["Ignored a frame of the unexpected type 'Z'.", (1, 1), (1, 3), "one", "done"]
    case.close()


async def test_what_is_sent_within_one_turn_goes_out_together_and_in_order() -> None:
    case = await Case().start()
    for word in ("one", "two"):
        case.connection.send(word)
    assert case.heard.came == b""
    await idle()
    assert bytes(case.heard.came) == frame(b"one") + frame(b"two")
    case.connection.pending.append("three")
    await idle()
    case.connection.flush([b"four"])
    await idle()
    assert bytes(case.heard.came).endswith(frame(b"three") + frame(b"four"))
    case.close()


async def test_what_is_sent_before_the_start_goes_out_with_it() -> None:
    case = Case()
    await case.connection.open()
    case.connection.send("early")
    await idle()
    assert case.heard.came == b""
    case.connection.start(case.receiver)
    await idle()
    assert bytes(case.heard.came) == frame(b"early")
    case.close()


async def test_items_of_which_the_messages_make_nothing_send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case = await Case().start()
    monkeypatch.setattr(case.connection.messages, "pack", lambda items: [], raising=False)
    case.connection.send("left out")
    await idle()
    assert case.heard.came == b""
    monkeypatch.undo()
    case.connection.send("word")
    await idle()
    assert bytes(case.heard.came) == frame(b"word")
    case.close()


async def test_what_waits_can_be_dropped() -> None:
    case = await Case().start()
    case.connection.send("ghost")
    case.connection.drop_pending()
    await idle()
    assert case.heard.came == b""
    case.close()


async def test_the_end_of_the_stream_comes_after_what_was_stopped() -> None:
    case = await Case().start()
    told = await case.hears(b"one. two")
    case.peer.finish()
    await idle()
    assert ("end", None) not in told
    case.connection.read_on()
    await idle()
    assert told[-2:] == ["two", ("end", None)]
    case.close()


async def test_what_is_kept_of_what_has_come_is_known() -> None:
    case = await Case(Whole).start()
    await case.hears(b"one. two three")
    assert case.connection.unfinished >= 2 * ITEM_KEPT
    case.connection.ignore_rest()
    assert case.connection.unfinished == 0
    case.close()


class Whole(PlainWords):
    """Words as a list, whose length is known."""

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        return list(plaintext.decode().split())


async def test_messages_that_say_how_many_were_sealed_learn_it_from_the_cipher() -> None:
    class Goodbyes(PlainWords):
        """Says how many records were sealed before this one."""

        def count_by(self, cipher) -> None:
            self.cipher = cipher

        def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
            return [b"%d" % self.cipher.sealed_count]

    case = await Case(Goodbyes).start()
    for _ in range(3):
        case.connection.send(Ack(0))
        case.connection.flush()
    case.connection.flush([b"packed elsewhere"])
    case.connection.send(Empty())
    case.connection.flush()
    await idle()
    packed = [b"0", b"1", b"2", b"packed elsewhere", b"4"]
    assert bytes(case.heard.came) == b"".join(map(frame, packed))
    case.close()


async def test_messages_that_need_a_count_do_not_open_with_a_cipher_that_has_none() -> None:
    class Uncounted(Unsealed):
        """Does not count."""

        sealed_count = property()

    class Goodbyes(PlainWords):
        """Needs a count."""

        def count_by(self, cipher) -> None:
            raise AssertionError("there is nothing to count by")

    case = Case(Uncounted, Goodbyes)
    with pytest.raises(Exception, match="does not say how many messages it has sealed"):
        await case.connection.open()
    case.peer.close()


async def test_a_handshake_that_fails_closes_the_stream() -> None:
    class Refuses(Silent):
        """Refuses."""

        async def initiate(self, io) -> SessionSecrets:
            raise HandshakeFailed("no")

    case = Case(Refuses)
    with pytest.raises(HandshakeFailed):
        await case.connection.open()
    assert case.stream._closed
    case.peer.close()


async def test_when_it_is_closed_nothing_refers_back_and_what_still_comes_is_dropped() -> None:
    case = await Case().start()
    case.connection.close()
    case.connection._receive(frame(b"late"))
    case.connection._ended(ConnectionResetError())
    case.connection.send("ghost")
    await asyncio.sleep(0)
    assert case.connection._receiver is None
    assert case.receiver.told == []
    assert isinstance(case.stream, MemoryStream)
    case.peer.close()
