"""A program's server: the people who come, and what it does to them, over real sockets."""

import asyncio
from pathlib import Path

import pytest
from taking_part import client, room, until

from plytalk.api.chat import connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.core.contracts.errors import (
    Exit,
    Refused,
    Removed,
    Usage,
)
from plytalk.core.contracts.events import Closed, Joined, Message, Open


async def test_two_servers_in_one_program_know_nothing_of_each_other(tmp_path: Path) -> None:
    async with (
        room(tmp_path / "one", name="ann") as one,
        room(tmp_path / "two", name="ben") as two,
        client(one, tmp_path) as here,
        client(two, tmp_path) as there,
    ):
        await here.send("here")
        await there.send("there")
        assert (await until(one, lambda event: isinstance(event, Message))).text == "here"
        assert (await until(two, lambda event: isinstance(event, Message))).text == "there"


async def test_a_page_for_a_stack_that_it_does_not_speak_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"The page of --web speaks plytalk/1 alone\."):
        async with serve(doors=["web:127.0.0.1:0"], profile="demo01", headless=True, home=tmp_path):
            raise AssertionError("it went on")


async def test_one_that_is_removed_is_told_why(tmp_path: Path) -> None:
    async def stay(server: ChatServer) -> None:
        async with client(server, tmp_path) as erin:
            async for _ in erin:
                pass

    async with room(tmp_path, name="carol") as server, client(server, tmp_path, "bob"):
        staying = asyncio.create_task(stay(server))
        await until(server, lambda event: isinstance(event, Joined) and event.sender.name == "erin")
        await server.command("kick", "erin", "enough")
        with pytest.raises(Removed, match="enough") as removed:
            await staying
        assert removed.value.exit_code == Exit.REMOVED


async def test_one_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("")
    async with room(tmp_path, allow=tmp_path / "allowed") as server:
        with pytest.raises(Refused):
            async with client(server, tmp_path):
                raise AssertionError("it went on")


async def test_a_server_that_goes_away_says_goodbye(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        await erin.send("one")
        await server.close()
        closed = [event async for event in erin][-1]
        assert isinstance(closed, Closed)
        assert "stopped" in closed.reason


@pytest.mark.parametrize("also", [True, False], ids=["an address too", "doors alone"])
async def test_members_meet_through_all_doors(tmp_path: Path, also: bool) -> None:
    doors = [f"unix:{tmp_path}/socket", "tcp:127.0.0.1:0"]
    async with serve("127.0.0.1:0" if also else None, doors=doors, headless=True, home=tmp_path / "server") as server:
        assert len(server.addresses) == 2 + also
        assert server.address == server.addresses[0]
        by_unix, by_tcp = server.addresses[-2:]
        peer = server.fingerprint
        async with (
            connect(by_unix, transport="unix", peer=peer, home=tmp_path / "ann", name="ann") as ann,
            connect(by_tcp, peer=peer, home=tmp_path / "ben", name="ben") as ben,
        ):
            await ann.send("from the file system")
            heard = await until(ben, lambda event: isinstance(event, Message) and not event.own)
            assert (heard.sender.name, heard.text) == ("ann", "from the file system")


async def test_layers_by_name_and_their_options(tmp_path: Path) -> None:
    async with (
        serve("127.0.0.1:0", cipher="chacha20poly1305", handshake="rsa", rsa_key=tmp_path / "rsa.pem") as server,
        connect(server.address, cipher="chacha20poly1305", handshake="rsa") as chat,
    ):
        opened = await until(chat, lambda event: isinstance(event, Open))
        assert opened.stack["cipher"] == "chacha20poly1305"
    assert (tmp_path / "rsa.pem").exists()
