"""The feature that announces a server: real multicast, on the loopback device."""

import asyncio
import sys
from pathlib import Path

import pytest
from neighbours import LO, found

from plytalk.api.hosting import serve
from plytalk.core.contracts.errors import CannotConnect, ImpossibleStack, Usage
from plytalk.core.contracts.events import Notice
from plytalk.core.contracts.peers import Role
from plytalk.plugins.features import lan
from plytalk.plugins.features.lan import Lan, layers
from plytalk.plugins.lan.lan_search import search
from plytalk.plugins.lan.service_record import ServiceText
from plytalk.testing import check_layer

pytestmark = pytest.mark.usefixtures("alone_on_loopback")


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback device is chosen, whatever is given."""
    monkeypatch.setattr(lan, "choose_interface", lambda given: LO)


def nobody(prompt: str) -> str:
    raise AssertionError(prompt)


def test_it_keeps_the_contract() -> None:
    for layer in layers():
        check_layer(layer)


async def test_a_program_announces_its_server_until_it_ends(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", lan="auto", lan_name="attic", home=tmp_path) as server:
        async for event in server:
            if isinstance(event, Notice) and "Announced" in event.text:
                break
        assert event.text.startswith("Announced on lo as attic.local. Everyone there sees the name and the key.")
        [one] = (await found(0.5)).servers
        assert (one.name, one.text) == ("attic", ServiceText(server.fingerprint, True, "tcp"))
        assert server.address == f"127.0.0.1:{one.port}"
    assert (await search(LO, 0.5)).servers == []


def test_where_nobody_said_where_it_listens_on_that_network() -> None:
    assert Lan().usual_host() == "127.0.0.1"


async def test_another_stack_is_announced_as_that(tmp_path: Path) -> None:
    layers = {"framer": "typed", "handshake": "rsa", "cipher": "aesgcm", "messages": "text"}
    async with serve("127.0.0.1:0", lan="auto", lan_name="attic", home=tmp_path, **layers) as server:
        async for event in server:
            if isinstance(event, Notice) and "Announced" in event.text:
                break
        [one] = (await found(0.5)).servers
        assert one.text == ServiceText(server.fingerprint, False, "tcp")


async def test_one_that_ends_at_once_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", lan="auto", lan_name="attic", home=tmp_path):
        pass
    assert (await search(LO, 0.3)).servers == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_server_that_listens_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot be reached") as refused:
        async with serve("[::1]:0", lan="auto", home=tmp_path):
            raise AssertionError("it went on")
    assert refused.value.hint == "Add --host 127.0.0.1 for this network alone, or --host :: for every network."


async def test_what_stands_in_the_way_is_said_and_the_server_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*arguments: object) -> None:
        raise CannotConnect("Multicast DNS cannot be used on lo.")

    monkeypatch.setattr(lan.Announcement, "begin", refuse)
    async with serve("127.0.0.1:0", lan="auto", home=tmp_path) as server:
        async for event in server:
            if isinstance(event, Notice) and "Multicast" in event.text:
                break
        assert event.text == "Multicast DNS cannot be used on lo."


async def test_a_client_has_nothing_to_announce() -> None:
    with pytest.raises(ImpossibleStack, match="--lan is for servers"):
        await Lan().ready(Role.INITIATOR, nobody)


async def test_without_the_package_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(Usage, match="needs the package `zeroconf`"):
        await Lan().ready(Role.RESPONDER, nobody)


@pytest.mark.parametrize(
    ("name", "proposed"), [("Bob's PC", "bob-s-pc"), ("a.b", "a-b"), ("日本", "kitchen")], ids=["spaces", "a dot", "no letter"]
)
def test_a_name_that_cannot_be_part_of_an_address_is_refused(name: str, proposed: str) -> None:
    with pytest.raises(Usage, match="cannot be part of an address") as refused:
        Lan(lan_name=name)
    assert refused.value.hint == f"Use letters, digits and hyphens: {proposed}."


def test_the_name_is_this_machines_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Kitchen.example.org")
    assert Lan()._name == "kitchen"
