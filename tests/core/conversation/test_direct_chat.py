"""One conversation: what one end says, what the other hears, and how it ends, whatever happens."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from alone import Alone, Items, Silent, frame
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import (
    BrokenPlugin,
    FrameTooLong,
    HandshakeFailed,
    LocalError,
    RemoteError,
    StackMismatch,
    Tampered,
    Truncated,
)
from plytalk.core.contracts.events import Error
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Ack, Control, Extension, Item, Ping, Pong
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind, Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Profile
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.ui_hearer import MAX_NOTICES
from plytalk.core.io.memory_stream import HIGH_WATER, MemoryStream, memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.testing import PlainFrames, RecordingUi, TypedFrames, byte_by_byte, randomly, stack_of, two_ends
from plytalk.testing.parts import PlainWords, Unsealed
from plytalk.testing.verdict import idle


class Bytes(Framer):
    """No frames."""

    name = "bytes"

    def __init__(self) -> None:
        self._held = b""

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        return payload

    def feed(self, data: Buffer) -> None:
        self._held += bytes(data)

    def frames(self) -> Iterator[Frame]:
        held, self._held = self._held, b""
        if held:
            yield None, held

    @property
    def unfinished(self) -> int:
        return len(self._held)


# -- talking --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [None, byte_by_byte, randomly(5)])
async def test_both_ends_hear_all_in_order_until_one_says_exit(cut) -> None:
    async with two_ends(cut=cut) as (client, server):
        for number in range(100):
            client.say(f"line {number}")
            server.say(f"answer {number}")
        client.say("EXIT ")
        server_ending = await server.over()
        assert server.ui.messages == [f"line {number}" for number in range(100)]
        assert server_ending == Ending(EndedBy.THEM, "The other side said exit.")
        assert server_ending.exit_code == 0
        assert await client.over() == Ending(EndedBy.US, "You said exit.")


async def test_either_side_may_say_exit() -> None:
    async with two_ends() as (client, server):
        server.say("exit")
        assert (await client.over()).by is EndedBy.THEM
        assert (await server.over()).by is EndedBy.US


async def test_what_is_said_within_one_turn_goes_out_in_one_piece() -> None:
    alone = await Alone().open()
    for text in ("one", "two", "three"):
        alone.session.say(text)
    assert alone.stream.buffered == 0
    await asyncio.sleep(0)
    assert list(alone.peer._inbox) == [frame(b"one") + frame(b"two") + frame(b"three")]
    alone.session.exit()
    await alone.over()


class Choosy(RecordingUi):
    """Has enough after every second message."""

    def message(self, text: str) -> None:
        super().message(text)
        if len(self.messages) % 2 == 0:
            assert isinstance(self.session, DirectChat)
            self.session.stop_reading()


@pytest.mark.parametrize("cut", [None, byte_by_byte])
async def test_a_hearer_may_stop_the_reading_in_the_middle_and_nothing_is_lost(cut) -> None:
    alone = await Alone(Choosy).open()
    alone.peer._cut = cut
    alone.ui.session = alone.session
    alone.peer.send(b"".join(frame(b"%d" % number) for number in range(7)))
    for count in (2, 4, 6):
        await idle()
        assert len(alone.ui.messages) == count
        if count == 4:
            alone.peer.send(frame(b"7") + frame(b"exit"))
            alone.peer.finish()
        assert alone.session.ending is None
        alone.session.read_on()
    await idle()
    assert alone.ui.messages == [f"{number}" for number in range(8)]
    assert alone.session.ending is None
    alone.session.read_on()
    await idle()
    assert alone.session.ending is not None
    assert alone.session.ending.by is EndedBy.THEM
    alone.session.read_on()
    await alone.session.over()


async def test_an_end_while_reading_is_stopped_comes_after_what_was_said_before_it() -> None:
    alone = await Alone(Choosy).open()
    alone.ui.session = alone.session
    alone.peer.send(frame(b"1") + frame(b"2") + frame(b"3"))
    await idle()
    alone.session.connection._ended(ConnectionResetError("gone"))
    assert alone.session.ending is None
    alone.session.read_on()
    assert alone.ui.messages == ["1", "2", "3"]
    assert alone.session.ending is not None
    assert isinstance(alone.session.ending.error, Truncated)


async def test_after_a_cut_nobody_waits_long_for_a_reading_that_is_stopped() -> None:
    alone = await Alone(Choosy, limits=Limits(goodbye=0.01)).open()
    alone.ui.session = alone.session
    alone.peer.send(frame(b"1") + frame(b"2") + frame(b"3"))
    await idle()
    alone.session.connection._ended(ConnectionResetError("gone"))
    ending = await alone.session.over()
    assert isinstance(ending.error, Truncated)
    assert alone.ui.messages == ["1", "2"]


async def test_our_own_goodbye_does_not_wait_for_a_reading_that_is_stopped() -> None:
    alone = await Alone(Choosy).open()
    alone.ui.session = alone.session
    alone.peer.send(frame(b"1") + frame(b"2") + frame(b"3"))
    await idle()
    alone.session.exit()
    alone.peer.finish()
    assert (await alone.session.over()).by is EndedBy.US
    assert alone.ui.messages == ["1", "2", "3"]


async def test_without_borders_each_message_is_a_piece_of_its_own() -> None:
    alone = await Alone(Bytes).open()
    alone.session.say("one")
    alone.session.say("two")
    await asyncio.sleep(0)
    assert list(alone.peer._inbox) == [b"one", b"two"]
    alone.session.exit()
    await alone.over()


async def test_an_answer_given_while_hearing_goes_out_at_once() -> None:
    class Parrot(RecordingUi):
        """Repeats what it hears."""

        def message(self, text: str) -> None:
            assert self.session
            self.session.say(text)

    alone = await Alone(Parrot).open()
    alone.ui.session = alone.session
    alone.session.connection._receive(frame(b"one") + frame(b"two"))
    assert b"".join(alone.peer._inbox) == frame(b"one") + frame(b"two")  # in the same turn
    alone.session.exit()
    await alone.over()


async def test_what_reaches_the_screen_is_clean_unless_the_ui_says_raw() -> None:
    class Raw(RecordingUi):
        """Escapes by itself."""

        raw = True

    for ui, shown in ((RecordingUi, "␛[2J\\u{202e}"), (Raw, "\x1b[2J\u202e")):
        alone = await Alone(ui).open()
        alone.peer.send(frame("\x1b[2J\u202e".encode()))
        await alone.ui.until(messages=1)
        assert alone.ui.messages == [shown]
        alone.session.exit()
        await alone.over()


async def test_a_line_longer_than_a_message_may_be_is_not_sent() -> None:
    alone = await Alone(limits=Limits(message=10)).open()
    alone.session.say("é" * 5)
    alone.session.say("é" * 5 + "!")
    alone.session.say("after")
    await idle()
    assert alone.says == frame("é".encode() * 5) + frame(b"after")
    assert alone.ui.notices == ["That is longer than a message may be (10 bytes) and was not sent. Split it."]
    (error,) = [event for event in alone.ui.events if isinstance(event, Error)]
    assert error.code == "too-long"
    alone.session.exit()
    await alone.over()


async def test_whoever_drains_waits_until_the_peer_reads_and_not_longer() -> None:
    alone = await Alone().open()
    alone.peer.pause()
    alone.session.say("x" * HIGH_WATER)
    draining = asyncio.create_task(alone.session.drain())
    await idle()
    assert not draining.done()
    alone.peer.resume()
    await draining
    assert len(alone.says) == HIGH_WATER + 5
    alone.session.exit()
    await alone.session.drain()
    await alone.over()


async def test_a_ping_is_answered_unless_nobody_reads_the_answers() -> None:
    class Pinging(PlainWords):
        """Has pings."""

        name = "pinging"

        def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
            return [b"pong " + item.body if isinstance(item, Pong) else str(item).encode() for item in items]

        def unpack(self, plaintext: bytes) -> Iterable[Item]:
            return [Ping(plaintext)]

    alone = await Alone(Pinging, limits=Limits(unread=1000)).open()
    alone.peer.send(frame(b"1"))
    await idle()
    assert alone.says == frame(b"pong 1")
    alone.peer.pause()
    for _ in range(1000):
        alone.peer.send(frame(b"x" * 10))
        await asyncio.sleep(0)
    await idle()
    assert 1000 < alone.stream.buffered < 1100
    alone.peer.close()
    await alone.over()


# -- what features do with it ---------------------------------------------------------------------------------------------


class LineSubscriber:
    """Hears in place of the UI."""

    def __init__(self, raw: bool) -> None:
        self.raw = raw
        self.heard: list[str] = []
        self.noticed: list[str] = []
        self.message, self.notice = self.heard.append, self.noticed.append


@pytest.mark.parametrize("raw", [False, True])
async def test_another_hears_in_place_of_the_ui_once_it_is_asked(raw: bool) -> None:
    alone, subscriber = await Alone().open(), LineSubscriber(raw)
    alone.peer.send(frame(b"for the UI"))
    await alone.ui.until(messages=1)
    alone.session.heard_by(subscriber)
    alone.peer.send(frame(b"for\x1b the subscriber") + frame(b"Z", b"Z") + frame(b"\xff"))
    await idle()
    assert alone.ui.messages == ["for the UI"]
    assert subscriber.heard == ["for\x1b the subscriber" if raw else "for␛ the subscriber", "\ufffd"]
    assert len(subscriber.noticed) == 2
    assert alone.ui.notices == []
    alone.session.exit()
    await alone.over()


async def test_items_of_a_feature_s_types_go_to_whoever_asks_and_others_nowhere() -> None:
    alone = await Alone(Items).open()
    eight: list[bytes] = []
    nine: list[bytes] = []
    alone.session.extend(8, eight.append)
    alone.session.extend(9, nine.append)
    for body in (b"+8 one", b"+9 two", b"+10 nobody's", b"+8 three", b"words"):
        alone.peer.send(frame(body))
    await alone.ui.until(messages=1)
    assert (eight, nine, alone.ui.messages, alone.ui.notices) == ([b"one", b"three"], [b"two"], ["words"], [])
    alone.session.exit()
    await alone.over()


async def test_a_feature_that_breaks_on_an_item_ends_the_conversation_in_words() -> None:
    alone = await Alone(Items).open()
    alone.session.extend(8, lambda body: body[0] // 0)
    alone.peer.send(frame(b"+8 x"))
    assert isinstance((await alone.over()).error, BrokenPlugin)


async def test_items_go_out_in_their_turn_with_what_is_said() -> None:
    alone = await Alone(Items).open()
    alone.session.send_item(Extension(8, b"first"))
    alone.session.say("second")
    alone.session.send_item(Ack(7))
    await idle()
    assert alone.says == frame(b"+8 first") + frame(b"second") + frame(b"=7")
    alone.session.exit()
    alone.session.send_item(Ack(8))
    await idle()
    assert alone.says.endswith(frame(b"exit"))
    await alone.over()


async def test_an_item_alone_goes_out_at_the_end_of_the_turn_or_with_what_comes_next() -> None:
    alone = await Alone(Items).open()
    alone.session.send_item(Ack(1))
    assert alone.says == b""
    await idle()
    assert alone.says == frame(b"=1")
    alone.session.connection.pending.append(Ack(2))
    await idle()
    assert alone.says == frame(b"=1")
    alone.session.connection.flush()
    await idle()
    assert alone.says == frame(b"=1") + frame(b"=2")
    alone.session.connection.flush()
    alone.session.connection.pending.append(Ack(3))
    alone.session.say("next")
    await idle()
    assert alone.says == frame(b"=1") + frame(b"=2") + frame(b"=3") + frame(b"next")
    alone.session.exit()
    await alone.over()


async def test_an_item_sent_while_something_is_received_goes_out_too() -> None:
    """An acknowledgement is sent so: from what hears the message."""
    alone = await Alone(Items).open()
    alone.session.extend(8, lambda body: alone.session.send_item(Ack(9)))
    alone.peer.send(frame(b"+8 x"))
    await idle()
    assert alone.says == frame(b"=9")
    alone.session.exit()
    await alone.over()


async def test_what_was_packed_once_for_many_goes_out_behind_what_is_pending() -> None:
    alone = await Alone(Items).open()
    alone.session.send_packed([b"one", b"two"])
    assert b"".join(alone.peer._inbox) == frame(b"one") + frame(b"two")
    alone.session.say("three")
    alone.session.send_packed([b"four"])
    alone.session.send_packed([b"five"])
    await idle()
    assert alone.says == b"".join(map(frame, (b"one", b"two", b"three", b"four", b"five")))
    alone.session.exit()
    alone.session.send_packed([b"ghost"])
    await idle()
    assert alone.says.endswith(frame(b"exit"))
    await alone.over()


@pytest.mark.parametrize("pending", [False, True])
async def test_a_cipher_that_breaks_on_what_was_packed_ends_that_conversation(pending: bool) -> None:
    alone = await Alone(breaking(Unsealed, "seal"), Items).open()
    if pending:
        alone.session.say("words")
    alone.session.send_packed([b"one"])
    assert isinstance((await alone.over()).error, BrokenPlugin)


# -- what follows the handshake -------------------------------------------------------------------------------------------


async def test_what_came_behind_the_handshake_is_heard_and_then_the_end() -> None:
    alone = Alone()
    await alone.session.open()
    alone.peer.send(frame(b"first") + frame(b"second"))
    alone.peer.finish()
    await idle()
    assert alone.ui.messages == []
    alone.session.begin()
    ending = await alone.over()
    assert alone.ui.messages == ["first", "second"]
    assert ending.by is EndedBy.THEM


async def test_nothing_is_lost_between_handshake_and_conversation() -> None:
    async with two_ends() as (client, server):
        client.say("at once")
        assert await server.hears() == ["at once"]


# -- what a meter is told -------------------------------------------------------------------------------------------------


async def test_what_is_kept_of_what_has_come_is_counted() -> None:
    alone = await Alone(Items).open()
    alone.peer.send(frame(b"hello")[:7])
    await idle()
    assert alone.session.connection.unfinished == 7
    alone.peer.send(frame(b"hello")[7:])
    await idle()
    assert alone.session.connection.unfinished == 0
    assert alone.ui.messages == ["hello"]
    alone.session.exit()
    await alone.over()


class Counts:
    """Counts what comes."""

    def __init__(self) -> None:
        self.came: list[tuple[int, int, int]] = []
        self.left: list[int] = []

    def records(self, count: int, size: int, items: int) -> None:
        self.came.append((count, size, items))

    def item(self) -> None:
        """Nothing."""

    def kept(self, size: int) -> None:
        self.left.append(size)


async def test_a_meter_is_told_what_comes_also_of_messages_that_are_unpacked_one_by_one() -> None:
    class OneByOne(PlainWords):
        """Unpacks its messages as they are asked for."""

        name = "one-by-one"

        def unpack(self, plaintext: bytes) -> Iterator[Item]:
            yield from plaintext.decode().split()

    alone, meter = await Alone(OneByOne).open(), Counts()
    alone.session.connection.meter = meter
    alone.peer.send(frame(b"one two three") + frame(b"four") + b"M")
    await idle()
    assert meter.came == [(1, 13, 3), (1, 4, 1)]
    assert meter.left[-1] == 1
    assert alone.ui.messages == ["one", "two", "three", "four"]
    alone.session.exit()
    await alone.over()


# -- what a peer may do wrong ---------------------------------------------------------------------------------------------


class Sealing(Unsealed):
    """Takes what begins with an exclamation mark."""

    name = "sealing"
    overhead = 1

    def seal(self, plaintext: bytes) -> bytes:
        return b"!" + plaintext

    def open(self, sealed: bytes) -> bytes:
        if sealed[:1] != b"!":
            raise Tampered("It does not open.")
        return sealed[1:]


class Tolerant(Sealing):
    """The same, and goes on."""

    name = "tolerant"
    tolerant = True


async def test_a_frame_that_does_not_open_is_said_and_skipped_where_the_cipher_is_tolerant() -> None:
    alone = await Alone(Tolerant).open()
    alone.peer.send(frame(b"!one") + frame(b"?two") + frame(b"!three"))
    await alone.ui.until(messages=2)
    assert alone.ui.messages == ["one", "three"]
    assert alone.ui.notices == ["It does not open."]
    alone.session.exit()
    await alone.over()


async def test_and_ends_the_conversation_where_it_is_not() -> None:
    alone = await Alone(Sealing).open()
    alone.peer.send(frame(b"!one") + frame(b"?two") + frame(b"!three"))
    ending = await alone.over()
    assert isinstance(ending.error, Tampered)
    assert ending.exit_code == 1
    assert alone.ui.messages == ["one"]


async def test_a_frame_of_an_unknown_type_is_said_and_skipped() -> None:
    alone = await Alone().open()
    alone.peer.send(frame(b"evil", kind=b"\x1b") + frame(b"fine"))
    await alone.ui.until(messages=1)
    assert alone.ui.messages == ["fine"]
    assert alone.ui.notices == ["Ignored a frame of the unexpected type '␛'."]
    alone.session.exit()
    await alone.over()


async def test_a_flood_of_faults_does_not_fill_the_screen() -> None:
    class Inventive(Unsealed):
        """Has a new excuse each time."""

        name = "inventive"
        tolerant = True
        excuses = 0

        def open(self, sealed: bytes) -> bytes:
            self.excuses += 1
            raise Tampered(f"Excuse {self.excuses}.")

    alone = await Alone().open()
    alone.peer.send(frame(b"", kind=b"X") * 1000)
    await idle()
    assert alone.ui.notices == [
        "Ignored a frame of the unexpected type 'X'.",
        "Ignored a frame of the unexpected type 'X'.",
        "Ignored a frame of the unexpected type 'X'. (Further ones like this are not shown.)",
    ]
    alone.session.exit()
    await alone.over()
    alone = await Alone(Inventive).open()
    alone.peer.send(frame(b"") * 1000)
    await idle()
    assert len(alone.ui.notices) == len(alone.session._noticed) == MAX_NOTICES
    alone.session.exit()
    await alone.over()


async def test_a_frame_beyond_the_limit_ends_the_conversation_at_its_header() -> None:
    alone = await Alone(Sealing, limits=Limits(message=100)).open()
    alone.peer.send(frame(b"!" + b"x" * 100) + frame(bytes(102))[:5])
    ending = await alone.over()
    assert alone.ui.messages == ["x" * 100]
    assert isinstance(ending.error, FrameTooLong)
    assert ending.exit_code == 1


async def test_a_message_that_is_no_text_is_said_and_shown_as_far_as_it_goes() -> None:
    alone = await Alone().open()
    alone.peer.send(frame(b"caf\xe9\x1b"))
    await alone.ui.until(messages=1)
    assert alone.ui.messages == ["caf\ufffd␛"]
    assert "not UTF-8" in alone.ui.notices[0]
    alone.session.exit()
    await alone.over()


FAULTS: dict[str, Callable[["Alone"], object]] = {
    "tampered": lambda alone: alone.peer.send(frame(b"?")),
    "too long": lambda alone: alone.peer.send(b"M\xff\xff\xff\xff"),
    "truncated": lambda alone: (alone.peer.send(b"M"), alone.peer.finish()),
    "an unknown type, then gone": lambda alone: (alone.peer.send(frame(b"", b"Z")), alone.peer.finish()),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_peer_sees_the_same_whatever_went_wrong(fault: str) -> None:
    alone = await Alone(Sealing).open()
    FAULTS[fault](alone)
    await alone.session.over()
    await alone.heard.hears_the_end("the connection stays open")
    assert alone.says == b""
    assert alone.heard.ends == [None]
    alone.peer.close()


async def test_a_first_word_that_another_stack_would_say_ends_the_conversation_in_words() -> None:
    known = [Profile("loud", "Shouts", 1, {"framer": "test-plain"}, rb"HELLO")]
    for first, mismatch in ((b"HELLO there", True), (frame(b"hello"), False)):
        alone = Alone()
        alone.session.connection.stack = replace(alone.session.stack, known=tuple(known))
        await alone.open()
        alone.peer.send(first)
        alone.peer.finish()
        ending = await alone.over()
        assert isinstance(ending.error, StackMismatch) is mismatch
        assert (ending.exit_code == 6) is mismatch


async def test_such_a_word_that_came_before_anybody_listened_ends_it_too() -> None:
    """It had arrived when the conversation began, and was shown as a message."""
    alone = Alone()
    known = (Profile("loud", "Shouts", 1, {"framer": "test-plain"}, rb"HELLO"),)
    alone.session.connection.stack = replace(alone.session.stack, known=known)
    await alone.session.open()
    alone.peer.send(b"HELLO there")
    await idle()
    alone.session.begin()
    ending = await alone.over()
    assert isinstance(ending.error, StackMismatch)
    assert alone.ui.messages == []


async def test_a_peer_that_waits_for_an_authenticator_that_is_not_here_is_told_from_a_talker() -> None:
    class Waiting(PlainWords):
        """Has something to agree on first."""

        name = "waiting"

        def unpack(self, plaintext: bytes) -> Iterable[Item]:
            return [Control(plaintext)]

    alone = await Alone(Waiting).open()
    alone.peer.send(frame(b"prove it"))
    ending = await alone.over()
    assert isinstance(ending.error, StackMismatch)
    assert "authenticator that was not chosen here" in ending.reason


# -- what a layer may do wrong --------------------------------------------------------------------------------------------


def breaking(kind: type[Layer], method: str) -> type[Layer]:
    def broken(self, *arguments):
        raise ZeroDivisionError

    return type("Breaking", (kind,), {"__doc__": "Breaks.", method: broken})


@pytest.mark.parametrize(
    "broken",
    [
        breaking(TypedFrames, "frames"),
        breaking(TypedFrames, "feed"),
        breaking(TypedFrames, "encode"),
        breaking(Unsealed, "open"),
        breaking(Unsealed, "seal"),
        breaking(PlainWords, "pack"),
        breaking(PlainWords, "unpack"),
        breaking(PlainWords, "prepare"),
        breaking(RecordingUi, "message"),
    ],
    ids=lambda layer: next(name for name in vars(layer) if not name.startswith("_")),
)
async def test_an_exception_in_a_layer_ends_its_own_conversation_in_words(broken: type[Layer]) -> None:
    alone = await Alone(broken).open()
    alone.peer.send(frame(b"hello"))
    alone.session.say("hello")
    await idle()
    ending = await alone.over()
    assert isinstance(ending.error, BrokenPlugin)
    assert ending.exit_code == 7
    assert isinstance(ending.error.__cause__, ZeroDivisionError)
    assert "raised ZeroDivisionError; the conversation ends here." in ending.reason


async def test_a_stream_that_breaks_while_sending_ends_the_conversation() -> None:
    class Breaking(MemoryStream):
        def send(self, data: bytes) -> None:
            raise OSError("no more")

    alone = await Alone(stream=Breaking).open()
    alone.session.say("hello")
    await idle()
    assert isinstance((await alone.over()).error, BrokenPlugin)


async def test_saying_goodbye_with_broken_messages_ends_the_conversation_all_the_same() -> None:
    alone = await Alone(breaking(PlainWords, "prepare")).open()
    alone.session.exit()
    assert isinstance((await alone.over()).error, BrokenPlugin)


async def test_what_a_layer_refuses_to_say_ends_the_conversation() -> None:
    class Exhausted(Unsealed):
        """Has no nonces left."""

        name = "exhausted"

        def seal(self, plaintext: bytes) -> bytes:
            raise LocalError("Too many messages.")

    alone = await Alone(Exhausted).open()
    alone.session.say("hello")
    await idle()
    ending = await alone.over()
    assert (ending.by, ending.reason) == (EndedBy.FAULT, "Too many messages.")


# -- opening --------------------------------------------------------------------------------------------------------------


async def test_a_session_that_does_not_open_closes_its_stream() -> None:
    class Refuses(Silent):
        """Refuses."""

        async def initiate(self, io) -> SessionSecrets:
            raise HandshakeFailed("no")

    alone = Alone(Refuses)
    with pytest.raises(RemoteError, match="no"):
        await alone.session.open()
    await alone.heard.hears_the_end("the stream stays open")
    assert alone.stream._closed
    alone.peer.close()


async def test_a_session_that_is_cancelled_while_opening_closes_its_stream() -> None:
    class Waits(Silent):
        """Waits for ever."""

        async def initiate(self, io) -> SessionSecrets:
            await io.receive(b"K", 9)
            return SessionSecrets.none()

    alone = Alone(Waits)
    opening = asyncio.create_task(alone.session.open())
    await idle()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert alone.stream._closed
    alone.peer.close()


async def test_a_conversation_knows_whom_it_is_with_and_over_what() -> None:
    client, server = memory_stream_pair()
    session = DirectChat(Connection(stack_of(PlainFrames), client, Role.INITIATOR))
    assert session.address == "memory:server"
    assert (
        DirectChat(Connection(stack_of(), client, Role.INITIATOR, address="chat.example.org:1")).address == "chat.example.org:1"
    )
    assert session.ending is None
    client.close()
    server.close()


@pytest.mark.parametrize("text", ["hello", "exit"])
async def test_messages_that_prepare_something_else_than_text_are_to_blame_and_not_the_ui(text: str) -> None:
    class Counts(PlainWords):
        """Prepares numbers."""

        name = "counts"

        def prepare(self, text: str) -> str | None:
            return len(text)  # type: ignore[return-value]

    alone = await Alone(Counts).open()
    alone.session.say(text)
    assert "The messages `counts` returns a value of type int from `prepare`." in (await alone.over()).reason
