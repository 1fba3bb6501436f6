"""A server's announcement: which doors it names, under which names, and its goodbye."""

import asyncio

import pytest
from neighbours import HOME, KEY, LO, found, saying, service

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.lan import announcement
from plytalk.plugins.lan.announcement import AnnouncedDoor, Announcement, announced_door
from plytalk.plugins.lan.lan_search import search
from plytalk.plugins.lan.service_record import ServiceText

pytestmark = pytest.mark.usefixtures("alone_on_loopback")

TEXT = ServiceText(KEY, True, None)
DOOR = AnnouncedDoor("tcp", ("127.0.0.1",), 7591)


@pytest.mark.parametrize(
    ("transport", "address", "addresses"),
    [
        ("tcp", "0.0.0.0:7591", ("192.0.2.7",)),
        ("ws", "[::]:80", ("192.0.2.7", "fe80::1", "2001:db8::7")),
        ("tls", "192.0.2.7:7591", ("192.0.2.7",)),
        ("tcp", "[fe80::1%home0]:7591", ("fe80::1",)),
        ("tcp", "127.0.0.1:7591", None),
        ("tcp", "[::1]:7591", None),
        ("tcp", "198.51.100.7:7591", None),
        ("unix", "/tmp/socket", None),
        ("relay", "412@relay.example.org:7592", None),
    ],
)
def test_a_door_is_announced_where_it_can_be_reached(transport: str, address: str, addresses: tuple[str, ...] | None) -> None:
    found = announced_door(HOME, transport, address)
    assert (found.addresses if found else None) == addresses


async def test_it_is_found_until_it_ends() -> None:
    ours = Announcement(LO, "kitchen", TEXT, [DOOR, AnnouncedDoor("ws", ("127.0.0.1",), 8080)])
    assert await ours.begin() == ["kitchen", "kitchen-ws"]
    assert [(one.name, one.port, one.text) for one in (await found(0.5, count=2)).servers] == [
        ("kitchen", 7591, ServiceText(KEY, True, "tcp")),
        ("kitchen-ws", 8080, ServiceText(KEY, True, "ws")),
    ]
    await ours.end()
    await ours.end()
    assert (await search(LO, 0.5)).servers == []


async def test_a_name_that_somebody_has_gets_a_number() -> None:
    with saying(service("kitchen", port=1)):
        ours = Announcement(LO, "kitchen", TEXT, [DOOR])
        assert await ours.begin() == ["kitchen-2"]
        await ours.end()


async def test_a_neighbour_who_claims_every_name_ends_the_search_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcement, "SECONDS", 1)
    claimed = [record for number in range(2, 400) for record in service(f"kitchen-{number}")[:1]]
    with saying([*service("kitchen"), *claimed]):
        ours = Announcement(LO, "kitchen", TEXT, [DOOR])
        with pytest.raises(CannotConnect, match="every name is taken"):
            await ours.begin()
        await ours.end()


async def test_one_that_has_not_begun_ends_as_well() -> None:
    ours = Announcement(LO, "kitchen", TEXT, [DOOR])
    await ours.end()
    beginning = asyncio.create_task(ours.begin())
    await asyncio.sleep(0.1)
    beginning.cancel()
    await asyncio.wait([beginning])
    await ours.end()
    assert beginning.cancelled()
