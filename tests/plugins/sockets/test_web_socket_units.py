"""Units of WebSocket, against the package that makes them."""

import pytest
from websockets.frames import Frame, Opcode

from plytalk.plugins.sockets.web_socket_units import cut_web_socket

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
@pytest.mark.parametrize("piece", [7, 100_000])
def test_frames_of_every_length_are_cut_and_named(mask: bool, size: int, piece: int) -> None:
    made = Frame(Opcode.BINARY, b"x" * size).serialize(mask=mask)
    cut, said = cut_web_socket(), HEAD + made + Frame(Opcode.PING, b"p").serialize(mask=mask)
    head, frame, ping = [unit for at in range(0, len(said), piece) for unit in cut(said[at : at + piece])]
    assert [(span.name, span.value) for span in head.spans] == [
        ("request", "GET / HTTP/1.1"), ("field Host", "x"), ("field Upgrade", "websocket"), ("end of the head", ""),
    ]  # fmt: skip
    assert (frame.data, ping.name) == (made, "WebSocket ping")
    assert frame.name == ("WebSocket binary" if size else "WebSocket end of this direction")
    names = [span.name for span in frame.spans]
    assert ("masking key" in names) is mask
    assert ("longer length" in names) is (size > 125)
    assert sum(span.size for span in frame.spans) == len(made)
    assert all(names)


@pytest.mark.parametrize("mask", [True, False])
def test_a_close_has_its_code_and_its_reason_also_where_they_are_masked(mask: bool) -> None:
    cut = cut_web_socket()
    made = Frame(Opcode.CLOSE, b"\x03\xeb" + b"binary only").serialize(mask=mask)
    _, unit = cut(HEAD + made)
    assert [(span.name, span.value) for span in unit.spans][-2:] == [("close code", "1003"), ("reason", "binary only")]


def test_a_response_is_named_as_one_and_an_unknown_opcode_by_its_number() -> None:
    head, unit = cut_web_socket()(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"\x83\0")
    assert head.name == "HTTP response"
    assert head.spans[0].value == "HTTP/1.1 101 Switching Protocols"
    assert unit.name == "WebSocket opcode 3"
