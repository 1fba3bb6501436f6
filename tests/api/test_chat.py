"""A program's client: what it says and hears, over real sockets, and what it is told when no conversation comes about."""

import asyncio
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from proxy_servers import PASSWORD, needs_proxies, proxy
from taking_part import OTHER, QUICK, client, room, said, until

import plytalk
from plytalk.api.chat import connect
from plytalk.api.hosting import serve
from plytalk.core.contracts.errors import (
    CannotConnect,
    ChangedPeer,
    Exit,
    NotDone,
    StackMismatch,
    UnknownPeer,
    Usage,
)
from plytalk.core.contracts.events import Closed, Read, Result, Typing, You


async def test_two_clients_and_a_server_in_one_program(tmp_path: Path) -> None:
    async with room(tmp_path, name="carol", room="kitchen") as server, client(server, tmp_path) as erin:
        assert (erin.me.name, erin.room, erin.fingerprint) == ("erin", "kitchen", server.fingerprint)
        async with client(server, tmp_path, "bob") as bob:
            await bob.send("Hello")
            for reader in (erin, server):
                heard = await until(reader, said("Hello"))
                assert (heard.sender.name, heard.own, heard.room) == ("bob", False, "kitchen")
            own = await until(bob, said("Hello"))
            assert own.own
            await server.send("Good evening")
            assert (await until(erin, said("Good evening"))).sender.name == "carol"
            await erin.send("for you alone", to="bob")
            whispered = await until(bob, said("for you alone"))
            assert (whispered.private, whispered.sender.name, whispered.to) == (True, "erin", "bob")
        left = await until(erin, lambda event: event.type == "left")
        assert left.sender.name == "bob"


async def test_every_event_of_a_conversation_from_open_to_closed(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        await erin.send("one")
        await until(erin, said("one"))
        await server.close()
        events = [event async for event in erin]
    assert isinstance(events[-1], Closed)
    assert (events[-1].final, events[-1].by, events[-1].exit_code) == (True, "them", 0)
    assert [event async for event in erin] == []


async def test_a_command_is_awaited_and_other_events_wait_meanwhile(tmp_path: Path) -> None:
    async with room(tmp_path, name="carol") as server, client(server, tmp_path) as erin:
        await erin.send("before")
        answer = await erin.command("who")
        assert isinstance(answer, Result)
        assert "erin" in " ".join(answer.lines)
        assert await until(erin, said("before"))
        with pytest.raises(NotDone, match="nonsense") as refused:
            await erin.command("/nonsense")
        assert refused.value.code == "unknown-command"
        with pytest.raises(Usage, match="Argument 1 takes a value of the type str, not int"):
            await erin.command("topic", 5)  # type: ignore[arg-type]
        await erin.send("after")
        await until(erin, said("after"))
        await erin.close()
        assert [event async for event in erin][-1].exit_code == 0  # type: ignore[attr-defined]


async def test_programs_show_each_other_that_they_type_and_what_they_have_read(tmp_path: Path) -> None:
    chosen = {"typing": True, "receipts": True}
    async with room(tmp_path, name="carol", **chosen) as server, client(server, tmp_path, **chosen) as erin:
        erin.tell_typing()
        typing = await until(server, lambda event: isinstance(event, Typing))
        assert (typing.on, typing.sender.name, typing.room, typing.own, typing.replayed) == (True, "erin", "lobby", False, False)
        await server.send("hello")
        heard = await until(erin, said("hello"))
        erin.tell_read(heard)
        read = await until(server, lambda event: isinstance(event, Read))
        assert (read.last, read.sender.name) == (heard.id, "erin")


async def test_a_program_that_did_not_choose_signals_is_told_so(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        await erin.send("hello")
        heard = await until(erin, said("hello"))
        for one in (server, erin):
            with pytest.raises(Usage, match="types"):
                one.tell_typing()
            with pytest.raises(Usage, match="read"):
                one.tell_read(heard)


async def test_who_it_is_follows_a_change_of_name(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        await erin.command("name", "ann")
        await until(erin, lambda event: isinstance(event, You) and event.sender.name == "ann")
        assert (erin.me.name, repr(erin)) == ("ann", f"<Chat with {server.address} as ann>")


async def test_what_looks_like_a_command_is_a_text(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        for text in ("/etc/hosts", "//", "/quit"):
            await erin.send(text)
            assert (await until(server, said(text))).text == text
        with pytest.raises(Usage, match="ends a conversation"):
            await erin.send(" Exit ")
        with pytest.raises(NotDone, match="longer than a message may be"):
            await erin.send("x" * (1 << 20) + "x")
        await erin.send("still here")
        assert await until(server, said("still here"))


@pytest.mark.parametrize("profile", ["demo01", "demo02", "secure-chat"])
async def test_the_existing_chats_have_the_same_events(tmp_path: Path, profile: str) -> None:
    async with (
        serve("127.0.0.1:0", home=tmp_path / "server", profile=profile, limits=QUICK) as server,
        connect(server.address, home=tmp_path / "client", profile=profile, limits=QUICK) as chat,
    ):
        assert (chat.me.name, chat.room) == (None, None)
        await chat.send("/not a command")
        heard = await until(server, said("/not a command"))
        assert (heard.own, heard.private, heard.sender.name) == (False, False, None)
        await server.send("Hello")
        assert await until(chat, said("Hello"))
        with pytest.raises(NotDone, match="only in a room"):
            await chat.command("who")


async def test_it_comes_back_after_a_cut_and_says_what_was_said_meanwhile(tmp_path: Path) -> None:
    server = serve("127.0.0.1:0", home=tmp_path / "server", history=tmp_path / "history", limits=QUICK)
    async with server:
        place = server.address
        async with client(server, tmp_path, reconnect=True) as erin:
            await erin.send("one")
            await until(erin, said("one"))
            await server.close()
            closed = await until(erin, lambda event: isinstance(event, Closed))
            assert not closed.final
            meanwhile = asyncio.create_task(erin.send("two"))
            again = serve(place, home=tmp_path / "server", history=tmp_path / "history", limits=QUICK)
            async with again:
                assert await until(again, said("two"))
                assert (await until(erin, said("two"))).own
                await meanwhile
                await erin.close()


async def test_another_key_than_the_one_that_was_named_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as server:
        with pytest.raises(ChangedPeer) as refused:
            async with connect(server.address, peer=OTHER, home=tmp_path / "erin"):
                raise AssertionError("it went on")
        assert refused.value.exit_code == Exit.CHANGED_PEER


async def test_a_server_with_a_new_key_is_refused_by_who_knows_the_old_one(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", home=tmp_path / "old", headless=True) as server:
        place = server.address
        with pytest.raises(UnknownPeer, match="Nobody can be asked"):
            async with connect(place, home=tmp_path / "erin"):
                raise AssertionError("it went on")
        for accept_new in (True, False):  # from then on it is known
            async with connect(place, home=tmp_path / "erin", accept_new=accept_new) as chat:
                assert chat.fingerprint == server.fingerprint
    async with serve(place, home=tmp_path / "new", headless=True):
        with pytest.raises(ChangedPeer, match="not the one remembered"):
            async with connect(place, home=tmp_path / "erin", accept_new=True):
                raise AssertionError("it went on")


async def test_nobody_listens(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", home=tmp_path, headless=True) as server:
        place = server.address
    with pytest.raises(CannotConnect):
        async with connect(place, home=tmp_path):
            raise AssertionError("it went on")


async def test_options_for_tls_are_refused_for_a_relay_without_it(tmp_path: Path) -> None:
    for end in (connect("412@127.0.0.1:1", transport="relay", home=tmp_path, tls_name="relay.example.org"),
                serve("127.0.0.1:1", transport="relay", home=tmp_path, tls_ca=tmp_path / "ca.pem")):  # fmt: skip
        with pytest.raises(Usage, match=r"127\.0\.0\.1:1 is reached without TLS"):
            async with end:
                raise AssertionError("it went on")


async def test_two_stacks_that_differ(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", home=tmp_path, profile="secure-chat") as server:
        with pytest.raises(StackMismatch) as refused:
            async with connect(server.address, home=tmp_path, profile="demo02"):
                raise AssertionError("it went on")
        assert refused.value.exit_code == Exit.STACK_MISMATCH


async def test_what_is_shown_of_them(tmp_path: Path) -> None:
    async with room(tmp_path) as server:
        chat = client(server, tmp_path)
        assert repr(chat) == f"<Chat with {server.address} as nobody yet>"
        async with chat:
            assert repr(chat) == f"<Chat with {server.address} as erin>"
        assert repr(server) == f"<ChatServer on {server.address}>"


def test_they_are_in_the_public_api() -> None:
    assert plytalk.connect is connect
    assert plytalk.serve is serve
    assert plytalk.You is You


async def test_a_command_takes_the_place_of_a_connection(tmp_path: Path) -> None:
    async with room(tmp_path, headless=True) as server:
        forward = "import socket, sys, threading; s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n" + FORWARD
        (tmp_path / "forward.py").write_text(forward)
        command = f"{sys.executable} {tmp_path}/forward.py %h %p"
        async with client(server, tmp_path, proxy_command=command) as erin:
            await erin.send("through a command")
            assert await until(erin, said("through a command"))


async def test_a_command_may_take_longer_than_a_handshake_does(tmp_path: Path) -> None:
    async with room(tmp_path, headless=True) as server:
        slow = "import socket, sys, threading, time; time.sleep(1)\n"
        forward = f"{slow}s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n{FORWARD}"
        (tmp_path / "forward.py").write_text(forward)
        command, hurried = f"{sys.executable} {tmp_path}/forward.py %h %p", replace(QUICK, first_byte=0.2, handshake=0.2)
        chat = connect(server.address, home=tmp_path / "erin", accept_new=True, limits=hurried, proxy_command=command)
        async with chat as erin:
            await erin.send("after a password, perhaps")
            assert await until(erin, said("after a password, perhaps"))


@needs_proxies
async def test_a_proxy_asks_for_its_password_by_secret(tmp_path: Path) -> None:
    async with room(tmp_path, headless=True) as server:
        with proxy("http", tmp_path, password=True) as url:
            named = url.replace(f":{PASSWORD}", "")
            async with client(server, tmp_path, proxy=named, secret=lambda prompt: PASSWORD) as erin:
                await erin.send("through a proxy")
                assert await until(erin, said("through a proxy"))
            with pytest.raises(CannotConnect, match="does not accept this user name and password"):
                async with client(server, tmp_path, proxy=named, secret=lambda prompt: "wrong"):
                    pass
            with pytest.raises(Usage, match="needs a password"):
                async with client(server, tmp_path, proxy=named):
                    pass


FORWARD = """
import os
def there():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
"""
