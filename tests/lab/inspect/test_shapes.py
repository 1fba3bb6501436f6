"""Shapes: what the messages of a layer have in common, and where a frame has its length."""

import pytest

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.shapes import FrameLength, Part, common_shape, length_in, one_shape, spans_of


def message(*parts: tuple[str, bytes, str]) -> TraceEvent:
    spans, data = [], b""
    for name, raw, value in parts:
        spans.append(Span(name, len(data), len(raw), value))
        data += raw
    return TraceEvent("framer", "out", "", data, {}, 0.0, "", spans)


def framed(payload: bytes) -> TraceEvent:
    return message(
        ("type", b"M", "M"), ("length", bytes([len(payload)]), str(len(payload))), ("payload", payload, ""), ("end", b".", "")
    )


def test_one_part_takes_what_the_others_leave() -> None:
    frames = [framed(b"one"), framed(b"three")]
    shape = common_shape(frames)
    assert shape == [Part("type", 1, "text"), Part("length", 1, "number"), Part("payload", 0, ""), Part("end", 1, "")]
    assert length_in(shape, frames) == FrameLength(1, 1, False, 3)


def test_of_messages_of_one_size_it_is_the_largest() -> None:
    assert [part.size for part in common_shape([framed(b"one"), framed(b"two")]) or ()] == [1, 1, 0, 1]


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [message()],
        [framed(b"one"), message(("other", b"x", ""))],
        [message(("a", b"x", ""), ("b", b"yy", "")), message(("a", b"xx", ""), ("b", b"y", ""))],
        [message(("key", b"x", "2048 bits"))],
    ],
)
def test_what_has_no_shape_in_common(frames) -> None:
    assert common_shape(frames) is None


def test_a_length_that_does_not_hold_for_all_is_not_one() -> None:
    frames = [
        framed(b"one"),
        message(("type", b"M", "M"), ("length", b"\x09", "9"), ("payload", b"three", ""), ("end", b".", "")),
    ]
    shape = common_shape(frames)
    assert shape is not None
    assert length_in(shape, frames) is None
    assert length_in([Part("payload", 0, ""), Part("length", 1, "number")], frames) is None
    assert length_in([Part("type", 1, "text")], frames) is None


def test_values_are_read_as_numbers_as_text_or_told() -> None:
    event = message(("little", b"\1\0", "1"), ("big", b"\0\1", "1"), ("text", "Hör".encode(), "Hör"), ("key", b"xx", "strong"))
    assert one_shape(event) == [
        Part("little", 2, "little"),
        Part("big", 2, "number"),
        Part("text", 4, "text"),
        Part("key", 2, "", "strong"),
    ]


def test_bytes_of_which_a_layer_says_nothing_are_one_part() -> None:
    assert spans_of(TraceEvent("transport", "out", "", b"abc")) == [Span("bytes", 0, 3)]
    assert spans_of(TraceEvent("transport", "out", "")) == []
