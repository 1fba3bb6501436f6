"""Addresses that are URLs of a transport."""

import pytest

from plytalk.api.urls import Url, address_in, is_url, key_named, read_url, url_of
from plytalk.core.contracts.errors import Usage
from plytalk.core.io.address import Address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ws://127.0.0.1:8080/", Url("ws", Address("127.0.0.1", 8080), "")),
        ("WSS://Chat.Example.org", Url("wss", Address("chat.example.org", 443), "")),
        ("ws://[::1]/room/a", Url("ws", Address("::1", 80), "/room/a")),
        ("Ws://[::1]/desk/KS", Url("ws", Address("::1", 80), "/desk/KS")),  # k and s are small letters of signs beyond ASCII
    ],
)
def test_a_url_is_a_transport_an_address_and_a_path(text: str, url: Url) -> None:
    assert is_url(text)
    assert read_url(text) == url
    assert address_in(text) == str(url.address)


@pytest.mark.parametrize("text", ["ws://", "ws:///", "ws://user@host/", "ws://host/?q", "ws://host/a b", "wss://host:0"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Usage):
        read_url(text)


def test_a_plain_address_stays_as_it_is() -> None:
    assert address_in("host:1") == "host:1"
    assert url_of("ws", "[::1]:80") == "ws://[::1]:80/"


def test_a_name_at_a_relay_chooses_the_relay_and_stays_as_it_is() -> None:
    key = "SHA256:" + "A" * 43
    for name in ("412", key):
        text = f"{name}@relay.example.org:7000"
        assert is_url(text)
        assert read_url(text) == Url("relay", Address("relay.example.org", 7000), "")
        assert address_in(text) == text
    assert key_named(f"{key}@relay.example.org") == key
    assert key_named("412@relay.example.org") == key_named("relay.example.org") == ""


KEY = "SHA256:" + "A" * 43


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (f"http://127.0.0.1:8080/#{KEY}", Url("ws", Address("127.0.0.1", 8080), "/ws")),
        (f"HTTPS://chat.example.org/#{KEY}", Url("wss", Address("chat.example.org", 443), "/ws")),
    ],
)
def test_the_link_to_a_page_leads_to_its_socket_and_names_the_key(link: str, url: Url) -> None:
    assert is_url(link)
    assert read_url(link) == url
    assert address_in(link) == str(url.address)
    assert key_named(link) == KEY


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8080/", f"https://chat.example.org/a#{KEY}", f"ftp://h/#{KEY}", f"http:///#{KEY}"]
)
def test_other_pages_do_not(text: str) -> None:
    assert not is_url(text)
    assert key_named(text) == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/ws"),
        (f"https://chat.example.org/a#{KEY}", "wss://chat.example.org/ws"),
        ("HTTPS://chat.example.org/#SHA256:short", "wss://chat.example.org/ws"),
    ],
)
def test_the_address_of_a_page_without_its_key_is_said_to_be_one_with_what_to_write_instead(text: str, place: str) -> None:
    with pytest.raises(Usage, match=r"is the address of a page, to be opened in a browser\.") as refused:
        address_in(text)
    assert f"connect to {place};" in refused.value.sentence
    assert is_url(place)


@pytest.mark.parametrize("text", ["@alice", "bob@host", "SHA256:short@host", "1234567@host", "host"])
def test_other_texts_with_an_at_sign_do_not(text: str) -> None:
    assert not is_url(text)
