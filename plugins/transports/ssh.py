"""ssh (RFC 4251): for guests who have ssh and no `chat`. They log in with a key or without one, and their shell is the room.

chat serve --door ssh:0.0.0.0:2222
ssh -p 2222 alice@chat.example.org
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.events import SSH_GUEST
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets
from plytalk.trust.folders import user_file


class Ssh(Transport):
    """ssh, for guests who have no chat program: their shell is the room (only to serve)."""

    name = "ssh"
    guests = SSH_GUEST
    usual_port = 2222
    caution = (
        "guests compare the host key, or a man in the middle may pose as the server; everybody on the way sees addresses, times "
        "and sizes."
    )
    gives = {
        *(Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER, Property.CLEAN_END),
        *(Property.FRESHNESS, Property.FORWARD_SECRECY, Property.PEER_KEY),
    }
    prefers = {"framer": "length", "handshake": "proven", "cipher": "none", "messages": "text"}
    options = (
        Option(
            "ssh-host-key", "The key by which guests recognise this server (default: its own, made at the first start).", Path,
            metavar="FILE", role=Role.RESPONDER,
        ),
    )  # fmt: skip

    def __init__(self, ssh_host_key: Path | None = None) -> None:
        self._file = ssh_host_key or user_file("ssh_host_key")
        self._key: Any = None
        self.fingerprint = ""

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        keys = ssh_module("guest_keys")
        self._key = await asyncio.to_thread(keys.load_host_key, self._file, lambda path: secret(f"Passphrase of {path}: "))
        self.fingerprint = self._key.fingerprint
        return []  # a line tells guests its fingerprint, at every start

    async def listen(self, host: str, port: int) -> Listener:
        options = ssh_module("guest_options").server_options(self._key.key)
        make = ssh_module("guest_stream").GuestStream
        return FilterListener(await tcp_sockets.listen(host, port), lambda below: make(below, options))

    def guest_line(self, host: str, port: str) -> str:
        return f"ssh -p {port} {host.strip('[]')}  ({'new ' * self._key.is_new}host key {self.fingerprint})"

    async def connect(self, host: str, port: int) -> Stream:
        raise CannotConnect("Nobody can connect by the transport `ssh` but guests.", "Use ssh itself: ssh -p PORT NAME@HOST.")


def ssh_module(name: str) -> ModuleType:
    """A module that needs the package `asyncssh`. Raises Usage where that is not installed."""
    from importlib import import_module

    try:
        return import_module(f"plytalk.plugins.ssh.{name}")
    except ModuleNotFoundError:
        raise Usage("ssh needs the package `asyncssh`.", "Install it with: pip install asyncssh") from None


@hookimpl
def layers() -> list[type[Ssh]]:
    return [Ssh]
