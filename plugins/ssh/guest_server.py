"""The server's side of ssh for one guest: who it is, and a shell that is the chat. Everything else is refused in a sentence."""

import asyncio
from typing import Any

import asyncssh

from plytalk.core.contracts.peers import Identity
from plytalk.plugins.ssh.guest_keys import identity_of
from plytalk.plugins.ssh.guest_stream import GuestStream

ATTEMPTS = 10
"""How many keys, names and empty answers a guest may try before its connection ends."""
WINDOW, PACKET = 64 * 1024, 32 * 1024
NO_FORWARDING = "Nothing is forwarded here: this is a chat."
NO_COMMANDS = "There are no commands, no files and no other programs here: this is a chat. Leave out what follows the host."


class GuestLogin(asyncssh.SSHServer):
    """asyncssh's view of one guest. A key counts as proven only where the signature with it has let the guest in.

    asyncssh calls `validate_public_key` for a key that is merely offered, too. The last step of every way in sets or clears
    `_key`, and nothing else of this guest runs between that and `auth_completed`.
    """

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._stream: GuestStream | None = conn.get_extra_info("guest_stream")
        self._attempts, self._name = 0, ""
        self._key: Identity | None = None
        self._has_session = False

    def connection_lost(self, exc: Exception | None) -> None:
        if stream := self._stream:
            self._stream = None
            stream.ssh_lost(exc)

    # -- who it is --------------------------------------------------------------------------------------------------------

    def _count_attempt(self) -> None:
        self._attempts += 1
        if self._attempts > ATTEMPTS:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many attempts.")

    def begin_auth(self, username: str) -> bool:
        self._count_attempt()
        self._name = username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._count_attempt()
        identity = identity_of(key)
        is_right = identity is not None and await self._may_come_in(identity)
        self._key = identity if is_right else None
        return is_right

    def kbdint_auth_supported(self) -> bool:
        return True

    async def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> bool:
        """A guest without a key is asked nothing."""
        self._count_attempt()
        is_right = await self._may_come_in(None)
        self._key = None
        return is_right

    async def _may_come_in(self, identity: Identity | None) -> bool:
        return self._stream is not None and await self._stream.judge(identity)

    def auth_completed(self) -> None:
        if self._stream:
            self._stream.is_known(self._name, self._key)

    # -- what it asks for -------------------------------------------------------------------------------------------------

    def session_requested(self) -> Any:
        if self._has_session or self._stream is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "A connection has one screen here.")
        self._has_session = True
        loop = asyncio.get_running_loop()
        channel = GuestChannel(self._conn, loop, True, False, False, 0, 0, "utf-8", "replace", WINDOW, PACKET)
        channel.stream = self._stream
        return channel, GuestSession(self._stream)

    def _refuse(self) -> bool:
        if self._stream:
            self._stream.refuse(NO_FORWARDING)
        return False

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, NO_FORWARDING)

    def unix_connection_requested(self, dest_path: str) -> bool:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, NO_FORWARDING)

    def tun_requested(self, unit: int | None) -> bool:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, NO_FORWARDING)

    def tap_requested(self, unit: int | None) -> bool:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, NO_FORWARDING)

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        return self._refuse()

    def unix_server_requested(self, listen_path: str) -> bool:
        return self._refuse()


class GuestChannel(asyncssh.SSHServerChannel[str]):
    """The one channel of a guest. It keeps nothing that a guest wants kept: asyncssh would collect variables without end."""

    stream: GuestStream

    def _process_env_request(self, packet: Any) -> bool:
        return False

    def _process_x11_req_request(self, packet: Any) -> bool:
        self.stream.refuse(NO_FORWARDING)
        return False

    def _process_auth_agent_req_at_openssh_dot_com_request(self, packet: Any) -> bool:  # type: ignore[override]
        self.stream.refuse(NO_FORWARDING)
        return False


class GuestSession(asyncssh.SSHServerSession[str]):
    """The guest's terminal, and what it wants to run there."""

    def __init__(self, stream: GuestStream) -> None:
        self._stream = stream
        self._refused = ""

    def connection_made(self, chan: "asyncssh.SSHServerChannel[str]") -> None:
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        if self._refused:
            self._stream.wanted_something_else(self._refused)

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        self._stream.terminal.edit(term_type, term_size[0])
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self._stream.terminal.resize(width)

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._refused = "a command"
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        self._refused = "a subsystem"
        return True

    def session_started(self) -> None:
        if self._refused:
            self._channel.write_stderr(f"{NO_COMMANDS}\r\n")
            self._channel.exit(1)
        else:
            self._stream.has_shell(self._channel)

    def data_received(self, data: str, datatype: Any) -> None:
        if not self._refused:
            self._stream.terminal.hear(data)

    def eof_received(self) -> bool:
        if not self._refused:
            self._stream.terminal.end()
        return True  # what the room still says to it goes out

    def pause_writing(self) -> None:
        self._stream.hold(True)

    def resume_writing(self) -> None:
        self._stream.hold(False)
