"""What is said of a server on the local network: written, and read back from anybody who sends it."""

import pytest
from neighbours import KEY, entries

from plytalk.plugins.lan.service_record import MAX_TEXT, ServiceText, host_label, is_host_label


def read(**pairs: str) -> ServiceText:
    raw = entries(**pairs)
    return ServiceText.read(raw, {name.encode(): value.encode() for name, value in pairs.items()})


@pytest.mark.parametrize(
    "text",
    [ServiceText(KEY, True, "tcp"), ServiceText(None, False, "wss")],
    ids=["the default", "another stack without a key"],
)
def test_what_is_written_is_read_back(text: ServiceText) -> None:
    assert read(**text.entries()) == text


@pytest.mark.parametrize(
    "fingerprint",
    ["", "SHA256:", KEY + "A", KEY[:-1], KEY[:-1] + "F", "MD5:" + "0" * 47, "\x1b[31m" + KEY, KEY.lower()],
    ids=["empty", "no digest", "too long", "too short", "not canonical", "another digest", "coloured", "in small letters"],
)
def test_what_is_no_fingerprint_is_none(fingerprint: str) -> None:
    assert read(fp=fingerprint, v="1") == ServiceText(None, True, "tcp")


def test_bytes_that_are_no_text_say_nothing() -> None:
    assert ServiceText.read(b"", {b"fp": b"\xff\xfe", b"t": b"\xff", b"v": None}) == ServiceText(None, False, None)
    assert ServiceText.read(b"", {b"fp": None, b"t": None}) == ServiceText(None, False, "tcp")


@pytest.mark.parametrize("transport", ["unix", "relay", "command", "ws;rm", "TCP"])
def test_the_network_names_no_other_transport(transport: str) -> None:
    assert read(v="1", t=transport).transport is None


def test_a_record_that_is_too_long_says_nothing() -> None:
    assert ServiceText.read(b"x" * MAX_TEXT, {b"v": b"1"}).is_default
    assert ServiceText.read(b"x" * (MAX_TEXT + 1), {b"v": b"1", b"fp": KEY.encode()}) == ServiceText(None, False, None)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("kitchen", "kitchen"), ("Bob's PC", "bob-s-pc"), ("--a--", "a"), ("Küche", "k-che"), ("日本", ""), ("x" * 80, "x" * 63),
        ("a" * 62 + "--b", "a" * 62),
    ],
)  # fmt: skip
def test_a_name_becomes_a_label(text: str, label: str) -> None:
    assert host_label(text) == label
    assert is_host_label(label) is bool(label)


@pytest.mark.parametrize("name", ["a.b", "-a", "a-", "a b", "küche", "a" * 64, "", "a\n", "\x1b[2J"])
def test_what_cannot_stand_in_an_address_is_no_label(name: str) -> None:
    assert not is_host_label(name)
