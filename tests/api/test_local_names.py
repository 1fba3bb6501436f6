"""NAME.local as a program gives it: found by multicast DNS, on the loopback device, and known by its name."""

import socket
import sys
from pathlib import Path

import pytest
from neighbours import LO, saying
from taking_part import QUICK, said, until
from zeroconf import DNSAddress

from plytalk.api.chat import connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.api.local_names import located
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.events import Closed
from plytalk.core.io.address import Address
from plytalk.plugins.lan import lan_interface, lan_search
from plytalk.plugins.lan.announcement import AnnouncedDoor, Announcement
from plytalk.plugins.lan.lan_interface import LanInterface
from plytalk.plugins.lan.service_record import ServiceText

pytestmark = pytest.mark.usefixtures("alone_on_loopback")


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lan_interface, "choose_interface", lambda: LO)
    monkeypatch.setattr(lan_search, "RESOLVE_SECONDS", 1)


async def test_a_server_is_reached_by_its_name_and_known_by_it_whatever_its_port(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", headless=True, home=tmp_path / "server") as server:
        port = int(server.address.rpartition(":")[2])
        ours = Announcement(LO, "kitchen", ServiceText(None, True, None), [AnnouncedDoor("tcp", ("127.0.0.1",), port)])
        await ours.begin()
        async with connect("kitchen.local", accept_new=True, home=tmp_path / "client") as chat:
            assert chat.fingerprint == server.fingerprint
        await ours.end()
    assert (tmp_path / "client" / "known_hosts").read_text().startswith("[kitchen.local] ssh-ed25519 ")


async def test_what_is_found_is_told() -> None:
    told: list[str] = []
    with saying([DNSAddress("kitchen.local.", 1, 1, 120, socket.inet_aton("127.0.0.9"))]):
        assert await located(Address("kitchen.local"), told.append, "tcp") == [Address("127.0.0.9")]
        assert await located(Address("kitchen.local", 9000), told.append, "tcp") == [Address("127.0.0.9", 9000)]
    assert told == [
        "kitchen.local is at 127.0.0.9, as somebody on the network of lo says.",
        "kitchen.local is at 127.0.0.9:9000, as somebody on the network of lo says.",
    ]


async def test_a_name_that_nobody_has_is_left_to_the_system() -> None:
    """In some companies the name server knows names that end in .local."""
    told: list[str] = []
    assert await located(Address("attic.local", 9000), told.append, "tcp") == [Address("attic.local", 9000)]
    assert told == ["Nobody on the network of lo answers to attic.local. `chat find` shows the servers there."]


@pytest.mark.parametrize("error", [CannotConnect("no network"), Usage("two networks")], ids=["none", "several"])
async def test_without_one_network_to_ask_on_the_name_is_left_to_the_system(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose() -> LanInterface:
        raise error

    monkeypatch.setattr(lan_interface, "choose_interface", choose)
    assert await located(Address("attic.local"), print, "tcp") == [Address("attic.local")]


@pytest.mark.parametrize(
    "options", [{"proxy": "socks5h://127.0.0.1:9"}, {"proxy_command": "false"}], ids=["a proxy", "a command"]
)
async def test_what_something_else_looks_up_is_not_asked_for_here(
    options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose() -> LanInterface:
        raise AssertionError("asked")

    monkeypatch.setattr(lan_interface, "choose_interface", choose)
    with pytest.raises(CannotConnect):
        async with connect("attic.local", home=tmp_path, **options):
            raise AssertionError("it went on")


async def test_without_the_package_the_name_is_left_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ifaddr", None)
    assert await located(Address("attic.local"), print, "tcp") == [Address("attic.local")]


async def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ifaddr", None)
    monkeypatch.setattr("plytalk.api.local_names.find_spec", lambda name: None)
    with pytest.raises(CannotConnect, match="attic") as raised:
        async with connect("attic.local", accept_new=True, home=tmp_path):
            raise AssertionError("it went on")
    assert raised.value.hint.endswith("install: pip install zeroconf")


async def test_the_next_address_is_tried_where_one_does_not_answer(tmp_path: Path) -> None:
    async with serve("127.0.0.2:0", headless=True, home=tmp_path / "server") as server:
        port = int(server.address.rpartition(":")[2])
        addresses = ("127.0.0.7", "127.0.0.2")
        ours = Announcement(LO, "kitchen", ServiceText(None, True, None), [AnnouncedDoor("tcp", addresses, port)])
        await ours.begin()
        async with connect("kitchen.local", peer=server.fingerprint, home=tmp_path / "client") as chat:
            assert chat.fingerprint == server.fingerprint
        await ours.end()


async def test_after_a_cut_the_name_is_looked_up_again(tmp_path: Path) -> None:
    async def announce(server: ChatServer) -> Announcement:
        host, _, port = server.address.rpartition(":")
        ours = Announcement(LO, "kitchen", ServiceText(None, True, None), [AnnouncedDoor("tcp", (host,), int(port))])
        await ours.begin()
        return ours

    async with serve("127.0.0.1:0", headless=True, home=tmp_path / "server", limits=QUICK) as server:
        announced = await announce(server)
        async with connect("kitchen.local", peer=server.fingerprint, home=tmp_path, reconnect=True, limits=QUICK) as chat:
            await announced.end()
            await server.close()
            async with serve("127.0.0.2:0", headless=True, home=tmp_path / "server", limits=QUICK) as elsewhere:
                announced = await announce(elsewhere)
                assert not (await until(chat, lambda event: isinstance(event, Closed))).final
                await chat.send("found you")
                assert await until(chat, said("found you"))
                await announced.end()
                await chat.close()


async def test_a_server_that_is_announced_for_another_transport_is_not_tried() -> None:
    """Only its port was meant for WebSocket: the network does not choose the transport."""
    text = ServiceText(None, True, None)
    ours = Announcement(LO, "kitchen", text, [AnnouncedDoor("ws", ("127.0.0.1",), 8080)])
    await ours.begin()
    with pytest.raises(Usage, match=r"kitchen\.local is not announced for the transport `tcp`"):
        await located(Address("kitchen.local"), print, "tcp")
    assert await located(Address("kitchen.local"), print, "ws") == [Address("127.0.0.1", 8080)]
    await ours.end()
