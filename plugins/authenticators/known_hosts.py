"""known_hosts: the server's key is remembered at first use, as OpenSSH does it, in OpenSSH's own format.

The first time the fingerprint is shown and the user asked; off a terminal the answer is no, unless `--accept-new` says yes in
advance. From then on the same key passes without a word, and every other key is refused.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChangedPeer, Refused, UnknownPeer, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.io.address import parse_address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.files import edited_lines
from plytalk.trust.folders import user_file
from plytalk.trust.host_keys import HostKeyVerdict, KnownHostsFile


class KnownHosts(Authenticator):
    """The server's key must be the one remembered for its address; the first time you are asked."""

    name = "known-hosts"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
    judges = {Role.INITIATOR}
    options = (
        Option("known-hosts", "The file of remembered keys (default: your own known_hosts of plytalk).", Path, metavar="FILE"),
        Option("accept-new", "Remember a new server's key without asking; a changed one is still refused.", bool, False),
    )

    def __init__(self, known_hosts: Path | None = None, accept_new: bool = False) -> None:
        self._store = KnownHostsFile(known_hosts or user_file("known_hosts"))
        self._accept_new = accept_new

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        return cls._with_line(f"* {PublicKey(key.key)}", folder)

    @classmethod
    def revoking(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        return cls._with_line(f"@revoked * {PublicKey(key.key)}", folder)

    @classmethod
    def _with_line(cls, line: str, folder: Path) -> Mapping[str, Any]:
        with edited_lines(file := folder / cls.name) as lines:
            lines.append(line)
        return {"known_hosts": file}

    async def check(self, peer: Peer) -> None:
        host, port = host_and_port(peer.address)
        try:
            key = PublicKey(peer.identity.key)
        except ValueError:
            raise Refused(
                f"The key of {peer.address} ({peer.identity.algorithm}) cannot be stored in known_hosts.",
                "Choose another authenticator: `chat plugins` lists them.",
            ) from None
        finding = await asyncio.to_thread(self._store.lookup, host, port, key)
        lines = ", ".join(f"line {number}" for number in finding.lines)
        match finding.verdict:
            case HostKeyVerdict.SAME:
                return
            case HostKeyVerdict.ABSENT:
                await self._first_use(peer, host, port, key)
            case HostKeyVerdict.REVOKED:
                raise Refused(
                    f"The key {key.fingerprint} of {peer.address} is revoked: {self._store.path}, {lines}.",
                    "Do not talk to anyone who has that key: ask the person who runs the server for its new key.",
                )
            case _:
                raise ChangedPeer(
                    f"{peer.address} shows the key {key.fingerprint}, and not the one remembered in {self._store.path}, {lines}: "
                    "someone may be between you, or the server has a new key.",
                    f"Ask the person who runs it, out of band. If the key is right: {self._forget(peer.address)}",
                )

    def _forget(self, address: str) -> str:
        own = "" if self._store.path == user_file("known_hosts") else f" --known-hosts {quote(str(self._store.path))}"
        return f"chat keys forget {quote(address)}{own}"

    async def _first_use(self, peer: Peer, host: str, port: int | None, key: PublicKey) -> None:
        if not self._accept_new:
            question = (
                f"The key of {peer.address} is not known yet. Its fingerprint is {key.fingerprint}. "
                "Is that what the server shows?"
            )
            if not await peer.confirm(
                question, "Give --peer SHA256:... if you know the fingerprint, or --accept-new to remember it."
            ):
                raise UnknownPeer(f"You said no to the key {key.fingerprint} of {peer.address}.")
        await asyncio.to_thread(self._store.add, host, port, key)  # it looks again, under the lock
        if self._accept_new:
            peer.say(f"Remembered the key {key.fingerprint} of {peer.address} in {self._store.path}.")


def host_and_port(address: str) -> tuple[str, int | None]:
    """HOST:PORT taken apart; anything else as it is, without a port: the path of a Unix socket, NAME@RELAY, NAME.local."""
    try:
        known = parse_address(address)
    except Usage:
        return address, None
    return (address, None) if known.port is None else (known.host, known.port)


@hookimpl
def layers() -> list[type[KnownHosts]]:
    return [KnownHosts]
