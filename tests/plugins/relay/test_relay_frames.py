import pytest

from plytalk.core.contracts.errors import BadFrame, FrameTooLong
from plytalk.plugins.relay.relay_frames import JOIN, MAGIC, MAX_PAYLOAD, FrameCutter, RelayReason, first, frame, no, signed_text
from plytalk.testing.cutting import cuts


def test_frames_are_cut_however_they_arrive() -> None:
    sent = [b"x", b"P", MAGIC + b"Hkey", bytes(MAX_PAYLOAD)]
    whole = b"".join(map(frame, sent))
    for pieces in cuts(whole + b"\0"):
        cutter = FrameCutter()
        got = []
        for piece in pieces:
            cutter.feed(piece)
            got += cutter.frames()
        assert got == sent
        assert bytes(cutter.rest) == b"\0"


def test_what_follows_a_frame_stays_when_nobody_asks_on() -> None:
    cutter = FrameCutter()
    cutter.feed(frame(b"G") + b"raw bytes")
    assert next(cutter.frames()) == b"G"
    assert bytes(cutter.rest) == b"raw bytes"


@pytest.mark.parametrize(("header", "error"), [(b"\x01\x01", FrameTooLong), (b"\xff\xff", FrameTooLong), (b"\0\0", BadFrame)])
def test_a_length_out_of_bounds_is_refused_before_its_bytes_come(header: bytes, error: type[Exception]) -> None:
    cutter = FrameCutter()
    cutter.feed(header)
    with pytest.raises(error):
        next(cutter.frames())


def test_the_bytes_of_the_specification() -> None:
    assert first(JOIN, b"412") == b"\0\x0ePLYRELAY1\nJ412"
    assert no(RelayReason.TOO_OFTEN) == b"\0\x02N\x03"
    assert signed_text("relay.example.org", b"n" * 32, b"k") == b"plyrelay/1 hold\0\x11relay.example.org" + b"n" * 32 + b"k"
    assert signed_text("a", b"bc", b"d") != signed_text("ab", b"c", b"d")
