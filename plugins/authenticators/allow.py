"""`--allow FILE`: who may come in, by key, for servers. The file is one of OpenSSH's authorized_keys, without options."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.authorized_keys import add, allowed, check_add
from plytalk.trust.files import write
from plytalk.trust.folders import user_file
from plytalk.trust.named_files import is_stream
from plytalk.trust.store_errors import StoreError


class Allow(Authenticator):
    """Only the keys in a file may join."""

    name = "allow"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
    judges = {Role.RESPONDER}
    options = (Option("allow", "Let in only the keys in this file: lines of TYPE KEY NAME.", Path, metavar="FILE", chooses=True),)

    def __init__(self, allow: Path | None = None) -> None:
        self._file = allow or user_file("allow")
        self._once = is_stream(self._file)
        self._list: dict[PublicKey, str] | None = None
        self._trouble = ""

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        self._list = await asyncio.to_thread(allowed, self._file)
        return [self._summary(self._list)]

    def check_admit(self, key: str, name: str) -> None:
        check_add(self._file, name)

    def admit(self, key: str, name: str) -> str:
        add(self._file, PublicKey.parse(key), name)
        return f"{name} may come in now, by {self._file}."

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        write(file := folder / cls.name, f"{PublicKey(key.key)} guest\n".encode())
        return {"allow": file}

    @hookimpl
    def reread(self) -> Sequence[str]:
        """Read the list now; one that cannot be read leaves the old one in force. Raises StoreError."""
        if self._once:
            raise StoreError(f"{self._file} can be read once.", "Keep the list in a file.")
        self._list = allowed(self._file)
        self._trouble = ""
        return [self._summary(self._list)]

    async def check(self, peer: Peer) -> None:
        current = await self._current(peer)
        name = current.get(PublicKey(peer.identity.key))
        if name is None:
            raise Refused(
                f"The key {peer.identity.fingerprint} is not in {self._file}.",
                "To let it in, add the line that `chat keys show` prints on the other side.",
                told=f"Your key is not on this server's list. Send its owner this line: {PublicKey(peer.identity.key)} plytalk",
            )
        peer.say(f"{peer.address} is {name}, by {self._file}.")

    async def _current(self, peer: Peer) -> dict[PublicKey, str]:
        """The list as the file has it now, or the last one that could be read, with one notice for each fault."""
        if self._once and self._list is not None:
            return self._list
        try:
            self._list = await asyncio.to_thread(allowed, self._file)
            self._trouble = ""
        except StoreError as error:
            if self._list is None:
                raise
            if self._trouble != str(error):
                self._trouble = str(error)
                peer.say(f"{error.sentence} Until then the previous list stays in force.")
        return self._list

    def _summary(self, guests: dict[PublicKey, str]) -> str:
        return f"{len(guests)} {'key' if len(guests) == 1 else 'keys'} may come in, by {self._file}."


@hookimpl
def layers() -> list[type[Allow]]:
    return [Allow]
