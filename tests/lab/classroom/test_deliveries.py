"""Endpoints that receive answers: real ones, which show what comes, and notice what is wrong."""

import asyncio

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.lab.classroom.deliveries import (
    MOST_FRAMES,
    DrawnKey,
    FrameWriter,
    deliver,
    listed,
    parse_frames,
    plaintext_stack,
    sealed_stack,
)

KEY = bytes(range(32))


@pytest.mark.parametrize("framer", ["length", "u16", "typed"])
@pytest.mark.parametrize("role", Role)
def test_a_frame_that_is_written_is_shown(framer: str, role: Role) -> None:
    stack = plaintext_stack(framer, "text")
    record = clock.run(deliver(stack, role, [FrameWriter(stack, role.other).frame("hello"), b""]))
    assert (record.shown, record.alarms) == (["hello"], [])


def test_sealed_frames_open_under_their_key_alone() -> None:
    stack = sealed_stack(KEY, "typed", "text")
    frame = FrameWriter(stack, Role.INITIATOR, KEY).frame("hello")
    assert clock.run(deliver(stack, Role.RESPONDER, [frame, frame])).shown == ["hello", "hello"]
    for refused in (FrameWriter(stack, Role.INITIATOR, bytes(32)).frame("hello"), frame[:-1] + bytes([frame[-1] ^ 1])):
        record = clock.run(deliver(stack, Role.RESPONDER, [refused]))
        assert record.shown == []
        assert "did not decrypt" in record.alarms[0]


def test_what_is_no_frame_ends_the_conversation_with_an_alarm() -> None:
    record = clock.run(deliver(plaintext_stack("length", "text"), Role.RESPONDER, [b"\xff" * 100]))
    assert record.alarms
    assert record.shown == []


def test_both_sides_of_a_drawn_key_have_it_without_a_word() -> None:
    for made in (DrawnKey(KEY).initiate(None), DrawnKey(KEY).respond(None)):
        secrets = asyncio.run(made)
        assert (secrets.send, secrets.receive) == (KEY, KEY)


def test_frames_are_lines_of_digits() -> None:
    frames = [("c1", b"\x01\x02"), ("c2", b"\xff")]
    text = listed(frames, "what it is").decode()
    assert text == "# what it is\nc1 0102\nc2 ff\n"
    assert parse_frames(text) == [b"\x01\x02", b"\xff"]
    assert parse_frames("\n  0102  # with a remark\n\n") == [b"\x01\x02"]
    assert parse_frames("# nothing") == []
    for wrong in ("c1 010", "hello", "c1 0102 more"):
        with pytest.raises(Usage, match="hexadecimal"):
            parse_frames(wrong)
    with pytest.raises(Usage, match="at most 100"):
        parse_frames("00\n" * (MOST_FRAMES + 1))
