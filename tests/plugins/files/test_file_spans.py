"""What the bytes of items about files are called: all of them, also where they are cut off."""

import pytest

from plytalk.core.contracts.spans import Passed, describe
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.files.file_items import (
    ENDING,
    FileFailure,
    Taken,
    carry,
    end_stream,
    fail_stream,
    give_credit,
    open_stream,
    prove,
    say,
    stop_stream,
)
from plytalk.plugins.files.file_words import FILE


def described(body: bytes) -> list[tuple[str, int, str]]:
    return [(span.name, span.size, span.value) for span in describe(Rooms(), Passed(body, bytes([FILE])))]


@pytest.mark.parametrize(
    ("body", "spans"),
    [
        (open_stream(7, 3, 1000, 50), [("1 open", 7), ("offer", 4, "3"), ("first byte", 8, "1000"), ("credit", 4, "50")]),
        (give_credit(7, 50), [("2 credit", 7), ("credit", 4, "50")]),
        (stop_stream(7), [("3 stop", 7)]),
        (prove(7, 1, b"abc"), [("4 proof", 7), ("block", 4, "1"), ("hashes", 3, "")]),
        (carry(7, b"abc"), [("5 data", 7), ("data", 3, "")]),
        (end_stream(7), [("6 end", 7)]),
        (end_stream(7, ENDING.pack(9, bytes(32))), [("6 end", 7), ("size", 8, "9"), ("root", 32, "")]),
        (fail_stream(7, FileFailure.TOO_MANY), [("7 fail", 7), ("reason", 1, "4 too many")]),
        (b"\x63\0\0\0\7xy", [("99 unknown", 7), ("too much", 2, "")]),
    ],
)
def test_each_byte_has_a_name(body: bytes, spans: list[tuple[str, int, str]]) -> None:
    kind, stream = spans[0][:2]
    assert described(body) == [("kind", 1, kind), ("stream", 4, str(stream)), *spans[1:]]
    for size in range(1, len(body)):
        assert all(name for name, _, _ in described(body[:size]))


def test_a_statement_is_named_by_what_it_does() -> None:
    name, _, value = described(say(Taken(number=1, members=2)))[-1]
    assert name == "JSON object `taken`"
    assert '"members":2' in value
    assert described(b"\0\0\0\0\0nonsense")[-1][0] == "JSON object ``"
    assert described(b"\0\0\0\0\0[]")[-1][0] == "JSON object ``"
