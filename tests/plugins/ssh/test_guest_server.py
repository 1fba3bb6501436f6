"""The name and the key of a guest, and what it cannot have, with asyncssh's client."""

from pathlib import Path
from typing import Any

import asyncssh
import pytest
from ssh_guests import connecting, ssh_guest
from taking_part import client, room, said, until

from plytalk.core.contracts.events import Joined, Message
from plytalk.plugins.ssh.guest_server import ATTEMPTS, NO_COMMANDS, NO_FORWARDING

DOOR = "ssh:127.0.0.1:0"
KEY = asyncssh.generate_private_key("ssh-ed25519")


def other(event: Any) -> bool:
    return isinstance(event, Joined) and not event.own


async def test_a_guest_without_a_key_is_marked(tmp_path: Path) -> None:
    async with (
        room(tmp_path, doors=[DOOR], headless=True) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter") as guest,
    ):
        await guest.shows("You are walter in lobby, with 1 more.")
        sender = (await until(erin, other)).sender
        assert (sender.name, sender.key, sender.marks) == ("walter", None, ("ssh guest", "not authenticated"))
        guest.types("hello\r")
        assert (await until(erin, said("hello"))).sender == sender
        await erin.send("welcome")
        await guest.shows("erin: welcome")


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
async def test_a_guest_with_a_key_is_known_by_it(kind: str, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key(kind)
    async with (
        room(tmp_path, doors=[DOOR], headless=True) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter", key=key) as guest,
    ):
        sender = (await until(erin, other)).sender
        assert (sender.name, sender.key, sender.marks) == ("walter", key.get_fingerprint(), ("ssh guest",))
        guest.types("/who\r")
        await guest.shows(f"walter, ssh guest, {key.get_fingerprint()}")


@pytest.mark.parametrize("costly", ["rsa2048-sha256", "diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha256"])
async def test_a_stranger_cannot_choose_a_costly_exchange_of_keys(costly: str, tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server:
        with pytest.raises((asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)):
            await connecting(server.guest_addresses[-1], kex_algs=[costly])
        async with ssh_guest(server, "walter", kex_algs=["curve25519-sha256"]) as guest:
            await guest.shows("You are walter in lobby")


async def test_a_name_that_is_taken_or_cannot_be_one_becomes_another(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server, client(server, tmp_path):
        for name in ("erin", "root", "[erin]: hi", "x" * 200):
            async with ssh_guest(server, name) as guest:
                shown = await guest.shows("in lobby, with 1 more.")
                called = shown.partition("You are ")[2].partition(" in lobby")[0]
                assert called not in (name, "")
                assert called.isprintable()


async def test_a_key_that_is_only_offered_is_not_proven(tmp_path: Path) -> None:
    """The guest offers another's public key, signs with its own, and then comes in without a key."""
    [pair] = asyncssh.load_keypairs([asyncssh.generate_private_key("ssh-ed25519")])
    pair.public_data = KEY.public_data
    async with (
        room(tmp_path, doors=[DOOR], headless=True) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter", client_keys=[pair]),
    ):
        sender = (await until(erin, other)).sender
        assert (sender.name, sender.key, sender.marks) == ("walter", None, ("ssh guest", "not authenticated"))


@pytest.mark.parametrize("listed", [True, False])
async def test_the_list_of_keys_holds_for_guests(listed: bool, tmp_path: Path) -> None:
    allow = tmp_path / "allow"
    allow.write_text(f"{KEY.export_public_key().decode().strip()} walter\n" if listed else "")
    async with room(tmp_path, doors=[DOOR], headless=True, allow=allow) as server:
        if listed:
            # the first key is refused, and the client tries its next
            keys = [asyncssh.generate_private_key("ssh-ed25519"), KEY]
            async with ssh_guest(server, "walter", client_keys=keys) as guest:
                await guest.shows("You are walter")
        for key in (None, *([] if listed else [KEY])):
            with pytest.raises(asyncssh.PermissionDenied):
                await connecting(server.guest_addresses[-1], "walter", key)


async def test_a_banned_key_does_not_come_in(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR]) as server:
        async with ssh_guest(server, "walter", key=KEY) as guest:
            await guest.shows("You are walter")
            await server.command("ban", "walter", "spam")
            assert "banned" in await guest.shows("banned")
            await guest.process.wait_closed()
        with pytest.raises(asyncssh.PermissionDenied):
            await connecting(server.guest_addresses[-1], "walter", KEY, kbdint_auth=False)


async def test_too_many_attempts_end_the_connection(tmp_path: Path) -> None:
    allow = tmp_path / "allow"
    allow.write_text("")
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2 * ATTEMPTS)]
    async with room(tmp_path, doors=[DOOR], headless=True, allow=allow) as server:
        with pytest.raises(asyncssh.DisconnectError, match="Too many attempts"):
            await connecting(server.guest_addresses[-1], "walter", client_keys=keys)


@pytest.mark.parametrize("asked", ["cat /etc/passwd", "sh", "scp -f x", ""])
async def test_no_command_is_run(asked: str, tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server, connecting(server.guest_addresses[-1]) as connection:
        run = await connection.run(asked or None, subsystem=None if asked else "sftp")
        assert (run.exit_status, run.stdout, run.stderr) == (1, "", f"{NO_COMMANDS}\r\n")


async def test_nothing_is_forwarded_and_there_is_one_screen(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server, ssh_guest(server) as guest:
        connection = guest.connection
        for opening in (
            connection.open_connection("127.0.0.1", 22),
            connection.open_unix_connection("/run/docker.sock"),
            connection.open_connection("localhost", 22),
        ):
            with pytest.raises(asyncssh.ChannelOpenError, match=NO_FORWARDING):
                await opening
        for listening in (
            connection.forward_remote_port("", 0, "localhost", 22),
            connection.forward_remote_path("/tmp/x", "/tmp/y"),
        ):
            with pytest.raises(asyncssh.ChannelListenError):
                await listening
            await guest.shows(NO_FORWARDING)
        for _ in range(1000):
            with pytest.raises(asyncssh.ChannelOpenError, match="one screen"):
                await connection.create_session(asyncssh.SSHClientSession)
        guest.types("still here\r")
        guest.types("/who\r")
        await guest.shows("visitor, ssh guest")


async def test_variables_are_not_kept(tmp_path: Path) -> None:
    async with room(tmp_path, doors=[DOOR], headless=True) as server, connecting(server.guest_addresses[-1]) as connection:
        process = await connection.create_process(term_type="xterm", env={f"LC_{number}": "x" * 1000 for number in range(100)})
        assert "You are visitor" in await process.stdout.read(100)
        process.close()


async def test_a_message_of_a_guest_is_never_from_another(tmp_path: Path) -> None:
    async with (
        room(tmp_path, doors=[DOOR], headless=True) as server,
        client(server, tmp_path) as erin,
        ssh_guest(server, "walter", terminal=None) as guest,
    ):
        guest.types("erin: I said that\x1b[2J\x07\n")
        event = await until(erin, lambda event: isinstance(event, Message))
        assert event.sender.name == "walter"
        assert event.text.isprintable()
