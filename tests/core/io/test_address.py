"""Addresses that people write: each is understood, or refused with what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import Usage
from plytalk.core.io.address import Address, is_ip_address, is_local, join_address, parse_address, parse_port

UNDERSTOOD = {
    "127.0.0.1": Address("127.0.0.1"),
    "127.0.0.1:65535": Address("127.0.0.1", 65535),
    "chat.example.org": Address("chat.example.org"),
    "CHAT.example.org:9000": Address("chat.example.org", 9000),
    "chat.example.org.": Address("chat.example.org"),
    "chat.example.org.:9000": Address("chat.example.org", 9000),
    "localhost.": Address("localhost"),
    "a_host": Address("a_host"),
    " 127.0.0.1 ": Address("127.0.0.1"),
    "::": Address("::"),
    "::1": Address("::1"),
    "[::1]": Address("::1"),
    "[::1]:9000": Address("::1", 9000),
    "0:0:0:0:0:0:0:1": Address("::1"),
    "[2001:DB8::0007]:1": Address("2001:db8::7", 1),
    "::ffff:192.0.2.7": Address("192.0.2.7"),
    "[chat.example.org]:7591": Address("chat.example.org", 7591),  # as known_hosts has it
    "[127.0.0.1]:7591": Address("127.0.0.1", 7591),
    "fe80::1%eth0": Address("fe80::1%eth0"),
    "[fe80::1%eth0]:9000": Address("fe80::1%eth0", 9000),
    "plytalk://chat.example.org:1": Address("chat.example.org", 1),
    "PLYTALK://chat.example.org/": Address("chat.example.org"),
    "tcp://[::1]:8000/": Address("::1", 8000),
    "tcp://[fe80::1%25eth0]:8000": Address("fe80::1%eth0", 8000),
    "b\u00fccher.example": Address("xn--bcher-kva.example"),
    "B\u00dcCHER.example:1": Address("xn--bcher-kva.example", 1),
    "\u4f8b\u3048\u3002jp": Address("xn--r8jz45g.jp"),
    "xn--bcher-kva.example": Address("xn--bcher-kva.example"),
    "\uff11\uff12\uff17.0.0.1": Address("127.0.0.1"),
}

EXPLAINED = {
    "": "The address is empty. Write HOST or HOST:PORT",
    " \t": "The address is empty.",
    ":9000": "has no host",
    "[]:9000": "has no host",
    "plytalk://": "has no host",
    "host:": "has no port after its colon. Leave out the colon",
    "[::1]:": "has no port after its colon.",
    "host:0": "'0' is not a port: a port is a number from 1 to 65535.",
    "host:65536": "is not a port",
    "host:-1": "is not a port",
    "host:+1": "is not a port",
    "host:1_0": "is not a port",
    "host:x": "is not a port",
    "host:\u0661\u0662": "is not a port",
    "host:" + "1" * 400: "is not a port",
    "[::1": "With brackets it is [HOST] or [HOST]:PORT",
    "[::1]9000": "With brackets it is [HOST] or [HOST]:PORT",
    "1:2:3": "is not an IPv6 address",
    "::x": "is not an IPv6 address",
    "host:1:2": "is not an IPv6 address",
    "fe80::1": "does not say of which. Write this machine's network interface behind it: fe80::1%eth0",
    "fe80::1%": "has no network interface",
    "fe80::1%a;b": "has no network interface",
    "127.1": "is not an IPv4 address. That is four numbers",
    "256.0.0.1": "is not an IPv4 address",
    "010.0.0.1": "is not an IPv4 address",
    "0x7f.0.0.0x1": "is not an IPv4 address",
    "12345": "is not an IPv4 address",
    "http://example.org:80/room": "does not speak http. If a plytalk server is there, give its address alone: example.org:80",
    "ssh://bob@example.org": "does not speak ssh. If a plytalk server is there, give its address alone: example.org",
    "plytalk://bob@host:1/x?y": "contains more than a host and a port. Give these alone: host:1",
    "host/room": "there is a slash in it",
    "bob@host": "an address has no user name. Give the host alone: host",
    "@alice": "is the name of a contact",
    "*": "nobody can connect to",
    "a b": "a space or a control character",
    "a\0b": "a space or a control character",
    "a\x1b[31mb": "a space or a control character",
    "-x": "does not begin with a hyphen",
    "-x:9000": "does not begin with a hyphen",
    ".": "is not a host",
    "a..b": "nothing between two of its dots",
    "a" * 64: "1 to 63 characters between dots",
    "a." * 130 + "a": "at most 253 in all",
    "a!b": "more in it than letters, digits and hyphens",
    "stra\u00dfe.example": "two standards make different names of it. Write its ASCII form",
    "a\u202eb": "is not a host that can be looked up",
    "\u2603" * 100: "is not a host that can be looked up",
    "a" * 100_000: "is too long for an address: it has 100,000 characters.",
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_it_is_understood(text: str) -> None:
    assert parse_address(text) == UNDERSTOOD[text]


@pytest.mark.parametrize("text", EXPLAINED, ids=lambda text: ascii(text[:20]))
def test_it_is_explained(text: str) -> None:
    with pytest.raises(Usage) as refusal:
        parse_address(text)
    assert EXPLAINED[text] in refusal.value.sentence
    assert len(refusal.value.sentence) < 300
    assert refusal.value.sentence.isprintable()


def test_a_listener_may_have_any_free_port_and_every_network() -> None:
    assert parse_address("127.0.0.1:0", listen=True) == Address("127.0.0.1", 0)
    assert parse_address("*", listen=True) == Address("::")
    assert parse_address("*:7000", listen=True) == Address("::", 7000)
    with pytest.raises(Usage, match="or 0 for any free one"):
        parse_address("127.0.0.1:x", listen=True)


def test_a_port_is_ascii_digits() -> None:
    assert parse_port("0", lowest=0) == 0
    assert parse_port("00080") == 80
    for text in ("", "0", " 80", "80 ", "\u0661", "1e3", "99999", "080000"):
        with pytest.raises(Usage, match="is not a port"):
            parse_port(text)


def test_an_address_is_shown_as_it_is_written() -> None:
    assert str(Address("::1")) == "::1"
    assert str(Address("::1", 8000)) == "[::1]:8000" == join_address("::1", 8000)
    assert str(Address("chat.example.org", 8000)) == "chat.example.org:8000"


@given(st.text(max_size=40) | st.from_regex(r"\[?[0-9a-f:.%*@/\-]*\]?(:[0-9]*)?", fullmatch=True))
def test_whatever_is_written_is_understood_the_same_way_again_or_explained(text: str) -> None:
    try:
        address = parse_address(text)
    except Usage:
        return
    assert address.host.isascii()
    assert parse_address(str(address)) == address


def test_what_is_on_this_machine() -> None:
    for peer in ("127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "a local program", "/run/chat.sock", "memory:client"):
        assert is_local(peer), peer
    for peer in ("192.0.2.1:1", "[2001:db8::1]:1", "chat.example.org:1", "localhost.example.org:1", "unknown:0"):
        assert not is_local(peer), peer


def test_an_address_is_told_from_a_name() -> None:
    assert all(map(is_ip_address, ("127.0.0.1", "::1", "fe80::1%eth0")))
    assert not any(map(is_ip_address, ("localhost", "", "[::1]", "127.1")))
