"""The openings of streams that pass raw bytes on, named byte by byte."""

import pytest

from plytalk.plugins.sockets.opening_units import END_OF_LINE, cut_nothing, cut_opening, line
from plytalk.plugins.sockets.web_socket_units import END_OF_HEAD, head


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_head_is_told_and_nothing_behind_it(piece: int) -> None:
    opening = b"HTTP/1.1 200 Connection established\r\nProxy-agent: some\r\n\r\n"
    cut, said = cut_opening(END_OF_HEAD, head), opening + b"raw \r\n\r\n bytes"
    [unit] = [unit for at in range(0, len(said), piece) for unit in cut(said[at : at + piece])]
    assert (unit.name, unit.data) == ("HTTP response", opening)
    assert [span.name for span in unit.spans] == ["status", "field Proxy-agent", "end of the head"]


def test_a_proxy_line_says_whose_a_connection_is() -> None:
    [unit] = cut_opening(END_OF_LINE, line)(b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nhello")
    assert (unit.name, unit.data) == ("PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n")
    assert [(span.name, span.value) for span in unit.spans] == [
        ("whose this is", "PROXY TCP4 1.2.3.4 5.6.7.8 9 10"),
        ("end of the line", ""),
    ]
    assert sum(span.size for span in unit.spans) == len(unit.data)


def test_the_other_direction_has_nothing() -> None:
    assert list(cut_nothing(b"PROXY TCP4\r\n")) == []
