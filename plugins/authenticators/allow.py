"""`--allow FILE`: who may come in, by key, for servers. The file is one of OpenSSH's authorized_keys, without options."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plytalk.core.allow import add, allowed
from plytalk.core.errors import Refused
from plytalk.core.files import place, write
from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Identity, Peer, Role
from plytalk.core.layers import Authenticator, Option
from plytalk.core.properties import Property
from plytalk.core.public_key import PublicKey


class Allow(Authenticator):
    """Only the keys in a file may come in."""

    name = "allow"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
    judges = {Role.RESPONDER}
    options = (Option("allow", "Let in only the keys in this file: lines of TYPE KEY NAME.", Path, metavar="FILE", chooses=True),)

    def __init__(self, allow: Path | None = None) -> None:
        self._file = allow or place("allow")

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        guests = await asyncio.to_thread(allowed, self._file)
        return [f"{len(guests)} {'key' if len(guests) == 1 else 'keys'} may come in, by {self._file}."]

    def admit(self, key: str, name: str) -> str:
        add(self._file, PublicKey.parse(key), name)
        return f"{name} may come in now, by {self._file}."

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        write(file := folder / cls.name, f"{PublicKey(key.key)} guest\n".encode())
        return {"allow": file}

    async def check(self, peer: Peer) -> None:
        guests = await asyncio.to_thread(allowed, self._file)  # read anew: who was struck out stays out
        name = guests.get(PublicKey(peer.identity.key))
        if name is None:
            raise Refused(
                f"The key {peer.identity.fingerprint} is not in {self._file}.",
                "To let it in, add the line that `chat keys show` prints on the other side.",
            )
        peer.say(f"{peer.address} is {name}, by {self._file}.")


@hookimpl
def layers() -> list[type[Allow]]:
    return [Allow]
