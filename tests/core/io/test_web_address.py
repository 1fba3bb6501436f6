"""Addresses of WebSockets, and how they are shown."""

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.io.address import Address
from plytalk.core.io.web_address import WebAddress, is_web_address, read_web_address


@pytest.mark.parametrize(
    ("text", "read", "shown"),
    [
        ("ws://127.0.0.1:8080/", WebAddress("ws", Address("127.0.0.1", 8080), ""), "ws://127.0.0.1:8080"),
        ("WSS://Chat.Example.org", WebAddress("wss", Address("chat.example.org", 443), ""), "wss://chat.example.org"),
        ("ws://[::1]/room/a", WebAddress("ws", Address("::1", 80), "/room/a"), "ws://[::1]/room/a"),
        ("ws://[fe80::1%25eth0]:9/", WebAddress("ws", Address("fe80::1%eth0", 9), ""), "ws://[fe80::1%eth0]:9"),
        ("wss://[::1]:80", WebAddress("wss", Address("::1", 80), ""), "wss://[::1]:80"),
    ],
)
def test_an_address_is_read_and_shown_shortly(text: str, read: WebAddress, shown: str) -> None:
    assert is_web_address(text)
    assert read_web_address(text) == read
    assert str(read) == shown
    assert read_web_address(shown) == read


@pytest.mark.parametrize("text", ["ws://", "ws://user@host/", "ws://host/?q", "wss://host:0", "host"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        read_web_address(text)
    assert is_web_address(text) is (text != "host")
