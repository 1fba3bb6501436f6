"""The stream of a guest: what it costs before it is in, and how it ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from ssh_guests import connecting, ssh_guest
from taking_part import QUICK, client, room, said, until

from plytalk.api.hosting import ChatServer, serve
from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.contracts.events import Event, Left, Notice
from plytalk.core.contracts.optional import KnowsPeer, Opens
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.address import parse_address
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.rooms import pace
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.ssh import guest_stream
from plytalk.plugins.ssh.guest_options import server_options
from plytalk.plugins.ssh.guest_stream import GuestStream, nobody
from plytalk.testing.verdict import idle

DOOR = "ssh:127.0.0.1:0"


async def raw(server: ChatServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = parse_address(server.guest_addresses[-1])
    return await asyncio.open_connection(place.host, place.port)


async def test_it_is_a_stream_that_opens_and_knows_its_peer() -> None:
    ours, _ = memory_stream_pair()
    stream = GuestStream(ours, server_options(asyncssh.generate_private_key("ssh-ed25519")))
    assert isinstance(stream, Stream)
    assert isinstance(stream, Opens)
    assert isinstance(stream, KnowsPeer)
    assert not await nobody(None)
    assert stream.judge is nobody  # until a server says more
    stream.close()


async def test_silent_guests_keep_nobody_out(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server:
        silent = [await raw(server) for _ in range(200)]
        async with ssh_guest(server, "walter") as guest:
            await guest.shows("You are walter")
        for _, writer in silent:
            writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + bytes(100_000), b"x" * 1_000_000])
async def test_what_is_not_ssh_is_turned_away(sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_stream, "FIRST_BYTES_SECONDS", 0.1)
    async with room(tmp_path, doors=[DOOR]) as server:
        reader, writer = await raw(server)
        writer.write(sent)
        if sent.startswith(b"GET"):
            writer.write_eof()
        assert (await reader.read(100_000)).startswith(b"SSH-2.0-plytalk\r\n")
        writer.close()
        await until(server, lambda event: isinstance(event, Notice) and "did not get in" in event.text)


async def test_a_guest_that_wants_no_shell_is_told_and_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_stream, "SHELL_SECONDS", 0.1)
    async with room(tmp_path, doors=[DOOR]) as server:
        ended: list[Exception | None] = []

        class Watching(asyncssh.SSHClient):
            def kbdint_auth_requested(self) -> str:
                return ""

            def connection_lost(self, exc: Exception | None) -> None:
                ended.append(exc)

        async with connecting(server.guest_addresses[-1], client_factory=Watching) as connection:
            await connection.wait_closed()
        await until(server, lambda event: isinstance(event, Notice) and "asked for no shell" in event.text)
        assert ended == [None]


async def test_a_guest_that_floods_is_slowed_down_and_still_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[object] = []
    monkeypatch.setattr(guest_stream, "BURST", 16_000)
    monkeypatch.setattr(guest_stream, "RATE", 500_000)
    monkeypatch.setattr(GuestStream, "_read_on", lambda stream, on=GuestStream._read_on: (pauses.append(stream), on(stream)))
    async with (
        room(tmp_path, doors=[DOOR], headless=True, rate=0) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter", terminal=None) as guest,
    ):
        await guest.shows("You are walter")
        guest.types("\n" * 50_000 + "after all that\n")
        await until(erin, said("after all that"))
        while not pauses:
            await idle()
        assert isinstance(pauses[0], GuestStream)


async def test_a_guest_that_reads_no_answers_is_read_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requests were answered all the same, and the answers took memory without end."""
    for name in ("RATE", "BURST", "SHELL_SECONDS"):
        monkeypatch.setattr(guest_stream, name, 1 << 30)
    options = server_options(asyncssh.generate_private_key("ssh-ed25519"))
    listener = FilterListener(await tcp_sockets.listen("127.0.0.1", 0), lambda below: GuestStream(below, options))
    accepting = asyncio.create_task(accepted(listener))
    async with connecting(listener.address) as connection:
        stream, transport = await accepting, connection._transport
        assert isinstance(transport, asyncio.Transport)
        assert isinstance(stream.below, AsyncioStream)
        its_socket = stream.below._transport.get_extra_info("socket")
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # full after some thousand answers, not 70,000
        transport.pause_reading()
        async with asyncio.timeout(180):
            while stream._pause is None:
                if transport.get_write_buffer_size() < 1 << 16:
                    for _ in range(100):
                        connection.send_packet(80, asyncssh.packet.String(b"no-such-request"), asyncssh.packet.Boolean(True))
                await asyncio.sleep(0)
        assert stream.below.buffered < 1 << 20
        transport.resume_reading()
        async with asyncio.timeout(180):
            while stream._pause or stream.below.buffered:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stream.close()
    await listener.close()


async def accepted(listener: FilterListener) -> GuestStream:
    """The next guest, which may come in."""
    stream = await listener.accept()
    assert isinstance(stream, GuestStream)
    stream.judge_logins(everybody)
    return stream


async def everybody(identity: Identity | None) -> bool:
    return True


async def test_keys_that_draw_are_drawn_once_for_all_that_came(tmp_path: Path) -> None:
    """A guest cannot make the server send a multiple of what it sends itself."""
    async with room(tmp_path, doors=[DOOR], headless=True) as server, ssh_guest(server, "walter") as guest:
        await guest.shows("You are walter")
        guest.types("x" * 1000 + "\x01\x05" * 10_000 + "\r/who\r")
        assert len(await guest.shows("walter, ssh guest")) < 20_000


@asynccontextmanager
async def leaving(tmp_path: Path) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, AsyncIterator[Event]]]:
    async with (
        room(tmp_path, doors=[DOOR], headless=True) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter") as guest,
    ):
        await guest.shows("You are walter")
        yield guest.connection, erin


async def test_a_guest_that_says_goodbye_has_left(tmp_path: Path) -> None:
    async with leaving(tmp_path) as (connection, erin):
        connection.disconnect(asyncssh.DISC_BY_APPLICATION, "")
        assert (await until(erin, lambda event: isinstance(event, Left))).reason is None


async def test_a_guest_whose_connection_breaks_was_cut(tmp_path: Path) -> None:
    async with leaving(tmp_path) as (connection, erin):
        connection._transport.abort()  # type: ignore[union-attr]
        assert (await until(erin, lambda event: isinstance(event, Left))).reason == "the connection was cut"


async def test_the_server_says_goodbye_with_an_exit_status(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", home=tmp_path, limits=QUICK, doors=[DOOR], headless=True) as server:
        connection = await connecting(server.guest_addresses[-1])
        process = await connection.create_process(term_type="xterm")
        assert "You are visitor" in await process.stdout.read(100)
    await process.wait_closed()
    assert process.exit_status == 0
    connection.abort()


async def test_a_guest_that_does_not_read_is_removed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "PATIENCE", 1.0)
    async with (
        room(tmp_path, doors=[DOOR], headless=True, rate=0) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter") as guest,
    ):
        await guest.shows("You are walter")
        guest.process.channel.pause_reading()
        for number in range(200):
            await erin.send(f"{number} " + "y" * 50_000)
        seen: list[object] = []
        await until(erin, lambda event: seen.append(getattr(event, "text", event.type)) or str(seen[-1]).startswith("199 "))
        if "left" not in seen:
            await until(erin, lambda event: isinstance(event, Left))


async def test_a_connection_stays_until_the_guest_has_said_goodbye() -> None:
    """ssh ends with 255 in place of 0 where the server has closed before."""
    ours, theirs = memory_stream_pair()
    stream = GuestStream(ours, server_options(asyncssh.generate_private_key("ssh-ed25519")))
    theirs.deliver_to(lambda data: None, lambda error: None)
    stream.start()
    await idle()
    assert stream.undelivered == 0
    stream.finish()
    assert stream.undelivered
    stream.ssh_lost(None)
    assert stream.undelivered == 0
    stream.close()


async def test_what_a_server_says_of_one_that_is_no_guest_names_ssh_and_no_stack(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR]) as server:
        _, writer = await raw(server)
        writer.write(b"SSH-2.0-x\r\n" + bytes(100_000))
        told = await until(server, lambda event: isinstance(event, Notice) and "did not get in" in event.text)
        assert "ssh -p PORT HOST" in told.text
        writer.close()
