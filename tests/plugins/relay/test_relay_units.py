"""The frames of a relay around a conversation, named byte by byte."""

import pytest

from plytalk.core.contracts.wire import IN, OUT
from plytalk.plugins.relay.relay_frames import ANSWER, GO, JOIN, first, frame
from plytalk.plugins.relay.relay_units import cut_frames


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
