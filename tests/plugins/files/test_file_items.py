"""Items about files: what is written is read again, and what is malformed ends the connection."""

import pytest

from plytalk.core.contracts.errors import BadFrame
from plytalk.plugins.files.file_items import (
    MAX_SAID,
    PIECE,
    WINDOW,
    FileFailure,
    FileKind,
    FileReply,
    Offering,
    Refusal,
    Saying,
    Taken,
    Withdrawal,
    carry,
    end_stream,
    fail_stream,
    give_credit,
    open_stream,
    parse,
    parse_failure,
    parse_number,
    parse_opening,
    parse_proof,
    prove,
    say,
    stop_stream,
    understand,
)
from plytalk.plugins.messages.records import CAPACITY, HEAD


@pytest.mark.parametrize(
    "said",
    [
        Offering(number=3, id="ab", file={"name": "x"}),
        Offering(number=3, id="ab", file={}, to="bob", sender={"name": "ann"}),
        Taken(number=1, members=4),
        Refusal(number=1, code="muted", text="You are muted here."),
        Withdrawal(number=1),
        Withdrawal(number=1, cut=True),
        FileReply(number=1, state="done", sender={"name": "bob"}),
    ],
)
def test_what_is_said_is_understood(said: Saying) -> None:
    kind, stream, payload = parse(say(said))
    assert (kind, stream) == (FileKind.SAY, 0)
    assert understand(payload) == said


def test_streams_are_written_as_the_protocol_says() -> None:
    assert open_stream(7, 3, 1 << 40, WINDOW).hex() == "0100000007" + "00000003" + "0000010000000000" + "0009ff06"
    assert give_credit(7, 65511).hex() == "02000000070000ffe7"
    assert stop_stream(7).hex() == "0300000007"
    assert prove(7, 1, b"\xaa").hex() == "040000000700000001aa"
    assert carry(7, memoryview(b"abc")).hex() == "0500000007616263"
    assert end_stream(7).hex() == "0600000007"
    assert fail_stream(7, FileFailure.CHANGED).hex() == "070000000703"
    assert parse_opening(parse(open_stream(7, 3, 5, 6))[2]) == (3, 5, 6)
    assert parse_number(parse(give_credit(7, 9))[2]) == 9
    assert parse_proof(parse(prove(7, 1, b"\xaa"))[2]) == (1, b"\xaa")
    assert parse_failure(parse(fail_stream(7, FileFailure.CHANGED))[2]) is FileFailure.CHANGED


def test_a_full_piece_fills_a_record() -> None:
    assert len(carry(1, bytes(PIECE))) + HEAD == CAPACITY


@pytest.mark.parametrize("body", [b"", b"\0\0\0\0"])
def test_an_item_that_is_too_short_is_an_error(body: bytes) -> None:
    with pytest.raises(BadFrame, match="too short"):
        parse(body)


def test_a_payload_of_another_size_is_an_error() -> None:
    with pytest.raises(BadFrame, match="must have 16"):
        parse_opening(b"123")
    with pytest.raises(BadFrame, match="must have 4"):
        parse_number(b"12345")
    with pytest.raises(BadFrame, match="must have 4"):
        parse_proof(b"123")


@pytest.mark.parametrize("payload", [b"", b"\x63"])
def test_a_reason_that_this_version_does_not_know_counts_as_unreadable(payload: bytes) -> None:
    assert parse_failure(payload) is FileFailure.UNREADABLE


@pytest.mark.parametrize(
    "payload", [b"{}", b"[]", b'{"do":"dance","number":1}', b'{"do":"taken","number":"x"}', b"\xff", b"[" * 4000]
)
def test_what_this_version_does_not_know_says_nothing(payload: bytes) -> None:
    assert understand(payload) is None


def test_a_statement_that_is_too_long_is_an_error() -> None:
    with pytest.raises(BadFrame, match="at most 4,096"):
        understand(bytes(MAX_SAID + 1))
