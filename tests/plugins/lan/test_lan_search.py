"""The search for servers, among neighbours who say what they like."""

import asyncio
import socket

import pytest
from neighbours import KEY, LO, SERVER, UNIQUE, entries, found, saying, service
from zeroconf import DNSAddress, DNSNsec, DNSPointer

from plytalk.plugins.lan import lan_search
from plytalk.plugins.lan.announcement import AnnouncedDoor, Announcement
from plytalk.plugins.lan.lan_search import MAX_ADDRESSES, FoundServer, SearchResult, resolve
from plytalk.plugins.lan.service_record import SERVICE, ServiceText

pytestmark = pytest.mark.usefixtures("alone_on_loopback")

GOOD = service("kitchen", entries(fp=KEY, v="1"))


async def searched(*records: object, raw: tuple[bytes, ...] = ()) -> SearchResult:
    """What a search finds while a neighbour says this."""
    with saying(records, raw=raw):
        return await found(0.4)


async def test_a_server_is_found_with_what_it_says() -> None:
    result = await searched(*GOOD)
    assert result == SearchResult([FoundServer("kitchen", ("127.0.0.1",), 7591, ServiceText(KEY, True, "tcp"))], 0)
    assert result.servers[0].local_name == "kitchen.local"


@pytest.mark.parametrize(
    ("name", "shown"), [("kit\u202echen", "kit\\u{202e}chen"), ("kit\u009bchen", "kit\\x9bchen"), ("a.b", "a.b"), ("a b", "a b")]
)
async def test_a_name_is_shown_harmless_and_never_as_an_address(name: str, shown: str) -> None:
    [one] = (await searched(*service(name))).servers
    assert (one.name, one.local_name) == (shown, None)


@pytest.mark.parametrize("name", ["\x1b[2J\x1b[31mkitchen", "kit\nchen"])
async def test_a_name_with_control_characters_is_not_shown(name: str) -> None:
    assert await searched(*service(name), *GOOD) == SearchResult((await searched(*GOOD)).servers, 1)


async def test_an_address_elsewhere_is_not_shown() -> None:
    assert await searched(*service("kitchen", address="192.0.2.1")) == SearchResult([], 1)


async def test_a_server_without_a_port_is_not_shown() -> None:
    assert (await searched(*service("kitchen", port=0))).servers == []


async def test_a_pointer_to_another_kind_of_service_is_not_followed() -> None:
    pointer = DNSPointer(SERVICE, 12, 1, 4500, "printer._ipp._tcp.local.")
    assert [one.name for one in (await searched(pointer, *GOOD)).servers] == ["kitchen"]


async def test_only_so_many_addresses_are_shown() -> None:
    full = f"kitchen.{SERVICE}"
    more = [DNSAddress(full, 1, 1, 120, socket.inet_aton(f"127.0.0.{number}")) for number in range(2, 40)]
    [one] = (await searched(*GOOD[:3], *more)).servers
    assert len(one.addresses) == MAX_ADDRESSES


async def test_a_long_text_and_broken_packets_do_no_harm() -> None:
    raw = (b"", b"\0" * 11, b"\0\0\x84\0" + b"\xff" * 400, b"\0\0\x84\0\0\0\0\1\0\0\0\0\xc0\x0c" * 3)
    result = await searched(
        *service("long", b"\xff" + b"x" * 255 * 1), *service("longer", (b"\xff" + b"y" * 255) * 6), *GOOD, raw=raw
    )
    assert {one.name: one.text.fingerprint for one in result.servers} == {"kitchen": KEY, "long": None, "longer": None}
    assert not {one.name: one.text for one in result.servers}["longer"].is_default


async def test_of_thousands_of_names_only_some_are_taken_note_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_search, "MAX_NAMES", 200)
    crowd = [record for number in range(1000) for record in service(f"n{number}")[:1]]
    result = await searched(*GOOD, *crowd)
    assert [one.name for one in result.servers] == ["kitchen"]
    assert result.ignored > 200


async def test_a_name_is_resolved_as_a_server_or_as_a_machine() -> None:
    machine = DNSAddress("kitchen.local.", 1, 1, 120, socket.inet_aton("127.0.0.9"))
    ours = Announcement(LO, "kitchen", ServiceText(KEY, True, None), [AnnouncedDoor("tcp", ("127.0.0.1",), 9000)])
    await ours.begin()
    with saying([machine]):
        as_server = await resolve(LO, "kitchen.local", as_host=False)
        as_machine = await resolve(LO, "kitchen.local", as_host=True)
    alone = await resolve(LO, "kitchen.local", as_host=True)
    await ours.end()
    with saying([machine]):
        nothing_else = await resolve(LO, "kitchen.local", as_host=False)
    assert as_server == alone == FoundServer("kitchen", ("127.0.0.1",), 9000, ServiceText(KEY, True, "tcp"))
    assert as_machine == nothing_else == FoundServer("kitchen", ("127.0.0.9",), 0, ServiceText(None, False, None))


async def test_a_name_that_somebody_denies_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A denial (RFC 6762 section 6.1) is an answer that comes at once, again and again: the search still ends."""
    monkeypatch.setattr(lan_search, "RESOLVE_SECONDS", 0.5)
    full = f"attic.{SERVICE}"
    with saying([*service("attic")[:2], DNSNsec(full, 47, UNIQUE, 120, full, [SERVER])]):
        assert await resolve(LO, "attic.local", as_host=False) is None


async def test_a_name_that_nobody_has_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_search, "RESOLVE_SECONDS", 0.3)
    assert await resolve(LO, "attic.local", as_host=False) is None
    with saying([DNSAddress("attic.local.", 1, 1, 120, socket.inet_aton("192.0.2.9"))]):
        await asyncio.sleep(0)
        assert await resolve(LO, "attic.local", as_host=True) is None
