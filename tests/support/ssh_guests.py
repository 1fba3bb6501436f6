"""Guests by ssh in the test's own process, with asyncssh's client, and with ssh itself."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import Any

import asyncssh
from sshd import QUIET

from plytalk.api.hosting import ChatServer
from plytalk.testing.verdict import within

NEEDS_SSH_CLIENT = "needs ssh (on Debian: apt install openssh-client)"
HAS_SSH_CLIENT = shutil.which("ssh")


class Willing(asyncssh.SSHClient):
    """Logs in without a key where a server allows that, as OpenSSH does."""

    def kbdint_auth_requested(self) -> str:
        return ""


class SshGuest:
    """A guest with a shell; `text` is all that was shown to it."""

    def __init__(self, connection: asyncssh.SSHClientConnection, process: "asyncssh.SSHClientProcess[str]") -> None:
        self.connection, self.process, self.text = connection, process, ""

    def types(self, text: str) -> None:
        self.process.stdin.write(text)

    async def shows(self, part: str) -> str:
        """Wait until this is on the screen, and give all that is."""

        async def come() -> None:
            while part not in self.text:
                data = await self.process.stdout.read(4096)
                assert data, self.text
                self.text += data

        await within(come(), f"{part!r} is not shown, but: {self.text!r}")
        return self.text


def connecting(place: str, name: str = "visitor", key: asyncssh.SSHKey | None = None, **options: Any) -> Any:
    """A connection to a server, to be entered or awaited."""
    host, _, port = place.rpartition(":")
    options = {"client_keys": [key] if key else None, "client_factory": Willing, **options}
    return asyncssh.connect(host, int(port), known_hosts=None, config=None, agent_path=None, username=name, **options)


@contextlib.asynccontextmanager
async def ssh_guest(
    server: ChatServer, name: str = "visitor", terminal: str | None = "xterm", **options: Any
) -> AsyncIterator[SshGuest]:
    """A guest at the server's only door for guests."""
    async with connecting(server.guest_addresses[-1], name, **options) as connection:
        yield SshGuest(connection, await connection.create_process(term_type=terminal))
    await asyncio.sleep(0)


def ssh_command(port: int, name: str, *options: str) -> list[str]:
    """`ssh` to a door on this machine, with no settings, no key and no agent unless the options say so."""
    words = f"ssh -F none {QUIET} -o IdentitiesOnly=yes -o IdentityAgent=none -o IdentityFile=none -p {port}".split()
    return [*words, *options, f"{name}@127.0.0.1"]
