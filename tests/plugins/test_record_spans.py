"""What the bytes of a record are called."""

from plytalk.core.contracts.spans import Passed, describe
from plytalk.plugins.messages.records import Records
from plytalk.plugins.record_spans import HEADER, MORE


def record(*items):
    return b"".join(HEADER.pack(kind, len(body)) + body for kind, body in items).ljust(64, b"\0")


def described(raw, before=()):
    return {span.name: (span.size, span.value) for span in describe(Records(True), Passed(raw, before=before))}


def test_each_byte_has_a_name():
    raw = record((1, b"hello"), (1 | MORE, b"\xff"), (42, b"x"), (7, b"\2" + bytes(7) + b"\3" + b"bye"))
    assert described(raw) == {
        "1 message: type": (1, "1"),
        "1 message: length": (2, "5"),
        "1 message: text": (5, "hello"),
        "2 message: type": (1, "129"),
        "2 message: length": (2, "1"),
        "2 message: text": (1, "\\xff"),
        "3 type 42: type": (1, "42"),
        "3 type 42: length": (2, "1"),
        "3 type 42: part of the body": (1, "x"),
        "4 close: type": (1, "7"),
        "4 close: length": (2, "12"),
        "4 close: reason": (1, "2 banned"),
        "4 close: records before": (8, "3"),
        "4 close: sentence": (3, "bye"),
        "padding": (33, "33 zeros"),
    }


def test_what_is_no_record_is_described_as_far_as_it_goes():
    assert list(described(b"\x01\xff\xffcut off")) == ["1 message: type", "1 message: length", "1 message: text"]
    assert list(described(b"\x02\0\x03123" + b"\0x")) == [
        "1 ack: type", "1 ack: length", "1 ack: messages taken, cut off", "not an item",
    ]  # fmt: skip


def test_a_part_of_an_item_is_not_taken_for_a_whole_one():
    asked = []
    inside = lambda kind, body: asked.append((kind, body)) or ()  # noqa: E731
    first, last, alone = record((9 | MORE, b"beg")), record((9, b"end")), record((9, b"all"))
    for raw, before in ((first, ()), (last, (first,)), (alone, (last,))):
        describe(Records(True), Passed(raw, before=before, inside=inside))
    assert asked == [(b"\x09", b"all")]
