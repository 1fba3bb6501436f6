"""The frames of a relay around a conversation, named byte by byte."""

import pytest

from plytalk.core.contracts.wire import IN, OUT
from plytalk.plugins.relay.relay_frames import (
    ANSWER,
    CHALLENGE,
    GO,
    HOLD,
    JOIN,
    KEY,
    KNOCK,
    NONCE,
    OPENED,
    PING,
    SIGNATURE,
    SIGNED,
    SOURCE,
    TICKET,
    RelayReason,
    first,
    frame,
    no,
)
from plytalk.plugins.relay.relay_units import cut_frames, cut_held


@pytest.mark.parametrize("piece", [1, 3, 100])
def test_a_joiner_asks_and_then_there_are_raw_bytes(piece: int) -> None:
    cut, said = cut_frames(OUT), first(JOIN, b"412") + b"\0\0raw"
    units = [unit for at in range(0, len(said), piece) for unit in cut(said[at : at + piece])]
    [unit] = units
    assert unit.name == "plyrelay/1 join"
    assert [(span.name, span.value) for span in unit.spans] == [
        ("length", "14"), ("magic", "PLYRELAY1\n"), ("kind", "J"), ("name that is asked for", "412"),
    ]  # fmt: skip
    assert unit.data == first(JOIN, b"412")


def test_an_answer_has_its_ticket_and_the_relay_says_go() -> None:
    [answer] = cut_frames(OUT)(first(ANSWER, bytes(16)))
    assert [span.name for span in answer.spans] == ["length", "magic", "kind", "ticket"]
    [go] = cut_frames(IN)(frame(GO) + b"raw")
    assert (go.name, go.data) == ("plyrelay/1 go", frame(GO))
    assert [span.name for span in go.spans] == ["length", "kind"]


SAID = {
    "hold": (first(HOLD), ["length", "magic", "kind"]),
    "hold 412": (first(HOLD, b"412"), ["length", "magic", "kind", "number that is asked for again"]),
    "hold by key": (first(HOLD, bytes(KEY)), ["length", "magic", "kind", "public key"]),
    "challenge": (frame(CHALLENGE + bytes(NONCE)), ["length", "kind", "nonce"]),
    "proof": (frame(SIGNED + bytes(KEY + SIGNATURE)), ["length", "kind", "public key", "signature"]),
    "name": (frame(OPENED + b"412"), ["length", "kind", "name that is held"]),
    "knock": (frame(KNOCK + bytes(TICKET + SOURCE)), ["length", "kind", "ticket", "source"]),
    "ping": (frame(PING), ["length", "kind"]),
    "no": (no(RelayReason.FULL), ["length", "kind", "reason"]),
    "frame": (frame(b"?what"), ["length", "kind", "rest"]),
}


@pytest.mark.parametrize("piece", [1, 1000])
def test_each_frame_of_a_holding_connection_is_named_to_its_last_byte(piece: int) -> None:
    cut, said = cut_held(), b"".join(data for data, _ in SAID.values())
    units = [unit for at in range(0, len(said), piece) for unit in cut(said[at : at + piece])]
    assert [unit.name for unit in units] == [f"plyrelay/1 {name.split()[0]}" for name in SAID]
    for unit, (data, names) in zip(units, SAID.values(), strict=True):
        assert (unit.data, [span.name for span in unit.spans]) == (data, names)
        assert sum(span.size for span in unit.spans) == len(data)
