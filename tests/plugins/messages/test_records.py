"""Records of plytalk/1: items in buckets, byte by byte; any other form is refused."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import BadFrame, FrameTooLong, LocalError
from plytalk.core.contracts.items import Ack, Close, CloseReason, Control, Empty, Extension, Ping, Pong, Undecodable
from plytalk.plugins.messages import records
from plytalk.plugins.messages.records import (
    BUCKETS,
    MAX_BODY,
    MAX_EXTENSION,
    MAX_MESSAGE,
    MAX_SENTENCE,
    MORE,
    Records,
    Type,
    layers,
)
from plytalk.testing import check_messages

ITEMS = st.one_of(
    st.text(max_size=400),
    st.integers(30_000, 40_000).map("é".__mul__),
    st.binary(max_size=400).map(Control),
    st.binary(max_size=400).map(Ping),
    st.binary(max_size=400).map(Pong),
)


def record(*items, size=64):
    """A record by hand."""
    return b"".join(bytes([kind]) + len(body).to_bytes(2, "big") + body for kind, body in items).ljust(size, b"\0")


def test_the_reserved_type_byte_80_is_an_item_and_no_padding():
    assert unpacked(record((MORE, b"skipped"), (1, b"behind"))) == ["behind"]
    with pytest.raises(BadFrame, match="in the middle of a message"):
        unpacked(record((1 | MORE, b"a"), (MORE, b"")))


def test_an_unknown_type_in_parts_is_one_item_that_nobody_asks_for_and_has_a_limit():
    assert unpacked(record((99 | MORE, b"a"), (99, b"b"), (1, b"after"))) == [Extension(99, b"ab"), "after"]
    part = record((99 | MORE, bytes(60_000)), size=BUCKETS[-1])
    with pytest.raises(FrameTooLong):
        unpacked(*[part] * (MAX_EXTENSION // 60_000 + 1))


class Sending(Records):
    """Records, and a cipher that has sealed all that they packed."""

    sealed_count = 0

    def __init__(self):
        super().__init__(boundaries=True)
        self.count_by(self)

    def pack(self, items):
        records = super().pack(items)
        self.sealed_count += len(records)
        return records


def test_a_record_that_says_nothing_is_counted_like_any_other():
    ours, theirs = Sending(), Records(boundaries=True)
    [nothing] = ours.pack([Empty()])
    assert nothing == bytes(64)
    assert ours.pack([]) == []
    assert list(theirs.unpack(nothing)) == []
    [goodbye] = ours.pack([Close()])
    assert theirs.unpack(goodbye) == [Close()]


def unpacked(*records):
    messages = Records(True)
    return [item for each in records for item in messages.unpack(each)]


def test_it_keeps_the_contract():
    check_messages(Records)


def test_a_message_byte_by_byte():
    assert Records(True).pack(["Hör zu."]) == [b"\x01\x00\x08H\xc3\xb6r zu.".ljust(64, b"\0")]


def test_each_item_byte_by_byte():
    assert Records(True).pack([Control(b"c"), Ping(b"p"), Pong(b"")]) == [
        b"\x05\x00\x01c\x03\x00\x01p\x04\x00\x00".ljust(64, b"\0")
    ]
    assert [Type.ACK, Type.RESERVED] == [2, 6]  # kept for later


def test_half_a_character_becomes_a_question_mark():
    assert unpacked(*Records(True).pack(["a\udcffb", "c"])) == ["a?b", "c"]


# -- what a length gives away ----------------------------------------------------------------------------------------------


def test_lengths_up_to_1000_show_as_four():
    sizes = {len(*Records(True).pack(["x" * length])) for length in range(1, 1001)}
    assert sizes == {64, 256, 1024}
    assert len(sizes) <= 4


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_used_up_to_its_last_byte(bucket):
    [full] = Records(True).pack(["x" * (bucket - 3)])
    assert len(full) == bucket
    assert unpacked(full) == ["x" * (bucket - 3)]
    assert len(Records(True).pack(["x" * (bucket - 2)])[0]) > bucket or bucket == BUCKETS[-1]


def test_all_that_is_said_in_one_turn_shares_records():
    said = [f"line {count}" for count in range(1000)]
    records = Records(True).pack(said[:300])
    assert len(records) == 1
    assert unpacked(*records) == said[:300]
    many = said * 20
    assert len(Records(True).pack(many)) == -(-sum(len(line) + 3 for line in many) // BUCKETS[-1])
    assert unpacked(*Records(True).pack(many)) == many


def test_where_one_record_would_be_mostly_padding_two_or_three_smaller_ones_go_out():
    sizes = {40: [4096], 41: [4096, 256], 80: [4096, 4096], 120: [4096] * 3, 130: [16384], 170: [16384, 1024], 500: [65519]}
    for count, expected in sizes.items():
        for items in (["x" * 97] * count, [Extension(9, b"x" * 97)] * count):
            assert [len(record) for record in Records(True).pack(items)] == expected
    assert [len(record) for record in Records(True).pack(["x" * 5000])] == [16384]


@given(st.lists(st.one_of(st.text("abc", max_size=260), st.just("x" * 255), st.sampled_from(["é", "\x01\0\x40"])), max_size=600))
def test_many_at_once_are_packed_and_read_as_in_the_general_way(texts):
    together = Records(True).pack(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plytalk.plugins.messages.records.pack_short", lambda items: None)
        assert together == Records(True).pack(texts)
    assert unpacked(*together) == texts


def test_records_are_filled_to_the_last_message_that_fits():
    counts = [len(unpacked(one)) for one in Records(True).pack(["x" * 64] * 3000)]
    assert counts == [977, 977, 977, 69]  # 977 * (3 + 64) = 65,459 of 65,519 bytes


@pytest.mark.parametrize("count", [64, 128, 192])
def test_records_that_messages_fill_exactly_are_followed_by_no_empty_one(count):
    texts = ["x" * 61] * count  # each takes 64 bytes
    packed = list(Records(True).pack(texts))
    assert {len(one) for one in packed} == {4096}
    assert len(packed) == count // 64
    assert unpacked(*packed) == texts


def test_nothing_said_is_no_record():
    assert Records(True).pack([]) == []


@given(st.lists(ITEMS, max_size=12))
def test_what_was_said_arrives(items):
    sender, receiver = Sending(), Records(True)
    records = sender.pack(items)
    assert {len(each) for each in records} <= set(BUCKETS)
    assert [item for each in records for item in receiver.unpack(each)] == items
    [goodbye] = receiver.unpack(sender.pack([Close()])[-1])
    assert isinstance(goodbye, Close)


# -- long messages ---------------------------------------------------------------------------------------------------------


def test_a_long_message_is_split():
    text = "x" * (2 * MAX_BODY + 5)
    records = Records(True).pack(["before", text, "after"])
    assert [each[0] for each in records] == [1, 1 | MORE, 1 | MORE, 1]
    assert unpacked(*records) == ["before", text, "after"]


def test_a_character_may_be_cut_in_two_by_the_split():
    text = "x" + "é" * MAX_BODY
    assert unpacked(*Records(True).pack([text])) == [text]


def test_a_message_of_1_mib_arrives_and_one_byte_more_does_not():
    assert MAX_MESSAGE == 2**20
    longest = "x" * MAX_MESSAGE
    assert unpacked(*Records(True).pack([longest])) == [longest]
    with pytest.raises(FrameTooLong, match="1,048,576"):
        unpacked(*Records(True).pack([longest + "x"]))


def test_a_batch_that_is_refused_leaves_the_beginning_of_a_message_as_it_was():
    begun, end = record((1 | MORE, b"one ")), record((1, b"three"))
    batch, single = Records(True), Records(True)
    batch.unpack(begun)
    with pytest.raises(BadFrame):
        batch.unpack_batch([record((1 | MORE, b"two ")), record((3, b"not of it"))])
    assert batch.unpack_batch([record((1 | MORE, b"two ")), end]) == ["one two three"]
    for one in (begun, record((1 | MORE, b"two "))):
        single.unpack(one)
    assert single.unpack(end) == ["one two three"]
    goodbye = record((7, (3).to_bytes(9, "big")))
    assert batch.unpack(goodbye) == single.unpack(goodbye)  # it counts the records


def test_parts_without_an_end_are_refused_before_they_pile_up():
    messages, part = Records(True), record((1 | MORE, bytes(MAX_BODY)), size=BUCKETS[-1])
    for _ in range(MAX_MESSAGE // MAX_BODY):
        assert messages.unpack(part) == []
    with pytest.raises(FrameTooLong):
        messages.unpack(part)


def test_empty_parts_without_an_end_take_no_memory():
    messages, part = Records(True), record(*[(1 | MORE, b"")] * (BUCKETS[-1] // 3), size=BUCKETS[-1])
    tracemalloc.start()
    try:
        for _ in range(3):
            assert messages.unpack(part) == []
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000
    assert messages.unpack(record((1, b"end"))) == ["end"]


def test_parts_may_share_a_record_and_be_empty():
    assert unpacked(record((1 | MORE, b"one "), (1 | MORE, b""), (1, b"two"), (1, b"three"))) == ["one two", "three"]
    assert unpacked(record((1 | MORE, b""), (1, b""))) == [""]


@pytest.mark.parametrize("other", [(3, b""), (5, b""), (42, b""), (7, bytes(9)), (3 | MORE, b"")])
def test_nothing_comes_between_the_parts(other):
    with pytest.raises(BadFrame, match="in the middle of a message"):
        unpacked(record((1 | MORE, b"half"), other, (1, b"rest")))


@pytest.mark.parametrize("item", [Control(bytes(MAX_BODY + 1)), Ping(bytes(MAX_BODY + 1)), Pong(bytes(MAX_BODY + 1)), object()])
def test_only_messages_are_split(item):
    with pytest.raises(LocalError, match="cannot carry this"):
        Records(True).pack([item])
    longest = Control(bytes(MAX_BODY))
    assert unpacked(*Records(True).pack([longest])) == [longest]


# -- bytes that are not valid records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 63, 65, 128, 257, 65518, 65520])
def test_a_record_of_another_size_is_refused(size):
    with pytest.raises(BadFrame, match="padded to one of"):
        unpacked(bytes(size))


@pytest.mark.parametrize("at", [8, 9, 10, 40, 63])
def test_padding_that_is_not_zero_is_refused(at):
    raw = bytearray(record((1, b"word")))
    raw[at] = 1
    with pytest.raises(BadFrame):
        unpacked(bytes(raw))


def test_an_item_that_is_cut_off_is_refused():
    for claimed in (62, 63, 1000, 65535):
        with pytest.raises(BadFrame, match="in the middle of an item"):
            unpacked(b"\x01" + claimed.to_bytes(2, "big") + b"x" * 61)
    assert unpacked(b"\x01" + (61).to_bytes(2, "big") + b"x" * 61) == ["x" * 61]


def test_a_header_that_is_cut_off_is_refused():
    for left in (1, 2):
        with pytest.raises(BadFrame, match="not zero"):
            unpacked(record((1, bytes(61 - left)))[:-left] + b"\x01" * left)


def test_types_that_nobody_knows_are_skipped():
    for item in [(2, b"ack"), (6, b"file"), (6 | MORE, b"more"), (MORE, b"")]:
        assert unpacked(record((1, b"before"), item, (1, b"behind"))) == ["before", "behind"]


def test_types_for_features_are_carried_whole():
    assert unpacked(record((8, b"a"), (1, b"b"), (0x7F, b""))) == [Extension(8, b"a"), "b", Extension(0x7F, b"")]
    assert unpacked(record((9 | MORE, b"a"), (9, b"b"))) == [Extension(9, b"ab")]
    with pytest.raises(BadFrame, match="in the middle"):
        unpacked(record((9 | MORE, b"a"), (8, b"b")))


def test_a_feature_s_item_is_split_and_has_a_limit():
    sent, received = Records(True), Records(True)
    for size in (0, 65516, 65517, MAX_EXTENSION):
        items = [item for plaintext in sent.pack([Extension(9, bytes(size))]) for item in received.unpack(plaintext)]
        assert items == [Extension(9, bytes(size))]
    for item in (Extension(9, bytes(MAX_EXTENSION + 1)), Extension(7, b""), Extension(128, b"")):
        with pytest.raises(LocalError):
            sent.pack([item])


def test_an_acknowledgement_is_a_number():
    assert unpacked(Records(True).pack([Ack(7)])[0]) == [Ack(7)]


def test_records_packed_elsewhere_count_towards_the_goodbye():
    packed_once, sent, received = Records(True).pack(["to all"]), Sending(), Records(True)
    sent.sealed_count += len(packed_once)
    came = [item for plaintext in [*packed_once, *sent.pack([Close()])] for item in received.unpack(plaintext)]
    assert came == ["to all", Close()]


def test_bytes_that_are_no_text_are_shown_as_far_as_they_go():
    assert unpacked(record((1, b"a\xffb"))) == [Undecodable("a\N{REPLACEMENT CHARACTER}b")]
    assert unpacked(record((1 | MORE, b"a\xff"), (1, b"b"))) == [Undecodable("a\N{REPLACEMENT CHARACTER}b")]


@given(st.binary(min_size=64, max_size=64))
def test_whatever_comes_is_read_or_refused(raw):
    try:
        items = unpacked(raw)
    except BadFrame:
        return
    assert 3 * len(items) <= len(raw)  # each item has a header of three bytes
    assert all(isinstance(item, str | Undecodable | Ack | Ping | Pong | Close | Control | Extension) for item in items)


@pytest.mark.parametrize("kind", [Control, Ping, Pong])
def test_what_is_not_a_message_fits_into_a_record_or_is_not_sent(kind):
    longest = kind(bytes(MAX_BODY))
    assert unpacked(*Records(True).pack([longest])) == [longest]
    with pytest.raises(LocalError, match="cannot carry"):
        Records(True).pack([kind(bytes(MAX_BODY + 1))])


@pytest.mark.parametrize("size", BUCKETS[:3])
def test_an_empty_item_may_be_the_last_bytes_of_a_record(size):
    full = record((1, b"x" * (size - 6)), (1, b""), size=size)
    assert unpacked(full) == ["x" * (size - 6), ""]
    assert unpacked(record((1, b"x" * (size - 3)), size=size)) == ["x" * (size - 3)]


# -- the goodbye -----------------------------------------------------------------------------------------------------------


def test_a_goodbye_byte_by_byte():
    assert Records(True).pack([Close()]) == [b"\x07\x00\x09" + b"\0" + bytes(8) + bytes(52)]
    assert unpacked(record((7, bytes(9)))) == [Close()]


def test_a_goodbye_with_a_reason_byte_by_byte():
    goodbye = Close("exit", CloseReason.KICKED, "out")
    assert Records(True).pack([goodbye]) == [b"\x07\x00\x0c" + b"\1" + bytes(8) + b"out" + bytes(49)]
    assert unpacked(record((7, b"\1" + bytes(8) + b"out"))) == [goodbye]
    assert unpacked(record((7, b"\xff" + bytes(8)))) == [Close(reason=255)]


@pytest.mark.parametrize("sentence", ["", "Tea.", "e\u00e9" * 300, "\u00e9" * 300, "x" * 5000, "\U0001f375" * 129])
def test_the_sentence_of_a_goodbye_is_cut_between_characters(sentence):
    [goodbye] = unpacked(*Records(True).pack([Close(reason=CloseReason.SHUTDOWN, sentence=sentence)]))
    assert sentence.startswith(goodbye.sentence)
    assert MAX_SENTENCE - 4 < len(goodbye.sentence.encode()) <= MAX_SENTENCE or goodbye.sentence == sentence


@pytest.mark.parametrize("body", [b"", bytes(8), bytes(9) + b"x" * (MAX_SENTENCE + 1), bytes(9) + b"\xff", bytes(9) + b"a\xc3"])
def test_a_goodbye_that_is_too_short_too_long_or_not_text_is_refused(body):
    with pytest.raises(BadFrame, match="goodbye"):
        unpacked(record((7, body), size=1024))


@pytest.mark.parametrize("sentence", ["", "You were removed by mallory: " + "x" * 400])
@pytest.mark.parametrize(
    "said", [[], ["word"], *(["x" * (MAX_BODY - n)] for n in (10, 11, 12, 13, 440, 441, 442)), ["x" * 200_000], ["x" * 60] * 3000]
)
def test_a_goodbye_counts_the_records_before_it(said, sentence):
    sender, receiver = Sending(), Records(True)
    goodbye = Close(reason=CloseReason.KICKED, sentence=sentence)
    records = [*sender.pack(["one"]), *sender.pack(["two"]), *sender.pack([*said, goodbye])]
    *_, last = [item for each in records for item in receiver.unpack(each)]
    assert last == goodbye


@pytest.mark.parametrize("count", [0, 1, 3, 2**64 - 1])
def test_a_goodbye_that_counts_other_records_is_refused(count):
    with pytest.raises(BadFrame, match="counts other records"):
        unpacked(record((1, b"one")), record((1, b"two")), record((7, b"\0" + count.to_bytes(8, "big"))))


def test_it_can_be_found():
    assert layers() == [Records]


# -- the vectors for other implementations -----------------------------------------------------------------------------------

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "records.json").read_text(encoding="utf-8"))


def as_written(item):
    """An item as the vectors write it: its type, and its body in hexadecimal digits."""
    match item:
        case str():
            return [1, item.encode().hex()]
        case Ack(taken):
            return [2, taken.to_bytes(8, "big").hex()]
        case Ping(body):
            return [3, body.hex()]
        case Close():
            return [7, "00" + (1).to_bytes(8, "big").hex()]
        case Extension(kind, body):
            return [kind, body.hex()]
    raise AssertionError(item)


@pytest.mark.parametrize("vector", VECTORS["taken"], ids=lambda vector: vector["name"])
def test_what_the_vectors_say(vector):
    assert [as_written(item) for item in unpacked(*map(bytes.fromhex, vector["records"]))] == vector["says"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_what_the_vectors_have_refused(vector):
    with pytest.raises(BadFrame):
        unpacked(*map(bytes.fromhex, vector["records"]))


@pytest.mark.parametrize(
    ("typed", "said"), [("", None), ("   ", None), ("\t", None), ("\u3000", None), (" x ", " x "), ("/who", "/who")]
)
def test_blank_lines_say_nothing(typed: str, said: str | None) -> None:
    assert Records(True).prepare(typed) == said


def test_its_limits_are_those_of_the_protocol_and_features_may_send_items():
    assert (records.MAX_MESSAGE, records.MAX_EXTENSION, records.MAX_SENTENCE) == (1 << 20, (1 << 20) + 1024, 512)
    assert Records.extensible is True
