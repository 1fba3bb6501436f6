"""The stacks of the matrix, and some that need more than options: a key that was told beforehand."""

from dataclasses import dataclass, replace
from pathlib import Path

from plytalk.core.host import Host
from plytalk.core.keys import Role
from plytalk.core.lab import clock
from plytalk.core.lab.setup import Setup, setups
from plytalk.core.stack import Stack


@dataclass(frozen=True)
class Told(Setup):
    """The client was told the server's fingerprint: `--peer SHA256:...`."""

    def stack(self, who: str, folder: Path, known=()) -> Stack:
        if who != Role.INITIATOR.value:
            return super().stack(who, folder, known)
        return replace(self, options={**self.options, "peer": self._fingerprint(folder)})._plain(who, folder)

    def _plain(self, who: str, folder: Path) -> Stack:
        return super().stack(who, folder)

    def _fingerprint(self, folder: Path) -> str:
        """What the server of this folder shows, seen in a talk with it."""
        from plytalk.core.lab.play import Passive, play

        async def look() -> str:
            bare = replace(self, auths=())
            ends = {role: bare._plain(f"{role.value}{'' if role is Role.RESPONDER else '-before'}", folder) for role in Role}
            for role, stack in ends.items():
                await stack.handshake.ready(role, lambda prompt: "")
            evidence = await play(ends, ends[Role.INITIATOR], Passive())
            return evidence.sides[Role.INITIATOR].identity.fingerprint

        return in_a_thread(look)


def in_a_thread(work):
    """The answer of a coroutine, wherever one is: a loop may be running here already."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: clock.run(work())).result()


def stack_named(name: str, host: Host | None = None) -> Setup:
    """A setup of the matrix, or `NAME told`: with `--peer`."""
    host = host or Host()
    plain, told = name.removesuffix(" told"), name.endswith(" told")
    [found] = [setup for setup in setups(host) if setup.name == plain]
    return Told(name, found.classes, (host.layer("auth", "peer"),), found.options) if told else found
