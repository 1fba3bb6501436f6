"""Silence: connect and say nothing."""

import asyncio

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Holding, set_within
from plytalk.lab.attacks.interceptor import Interceptor

LONGEST = 6.0


class Silence(Holding):
    """Connects to the server and waits; a server that waits as long gives away its places one by one.

    It costs the attacker nothing at all.
    """

    name = "silence"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        interceptor.log(f"said nothing for {LONGEST:g} seconds")
        await set_within(LONGEST, over)


@hookimpl
def layers() -> list[type[Silence]]:
    return [Silence]
