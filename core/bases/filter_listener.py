"""Makes filter streams: a server's for each peer that the listener below accepts, and a client's, which waits for its opening."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Listener, Stream

F = TypeVar("F", bound=FilterStream)


async def opened_client(stream: F, seconds: float) -> F:
    """Open a client's stream. Raises CannotConnect when the opening takes too long, and a ChatError when it fails."""
    try:
        stream.start()
        async with asyncio.timeout(seconds):
            await stream.opened()
    except TimeoutError:
        stream.close()
        raise CannotConnect(
            f"{stream.peer} did not answer within {seconds:g} seconds.", f"Check that it speaks {stream.what}."
        ) from None
    except BaseException:
        stream.close()
        raise
    return stream


class FilterListener(Listener):
    """The listener of a transport over another one: `make` wraps the stream of each peer that the listener below accepts."""

    def __init__(self, below: Listener, make: Callable[[Stream], FilterStream]) -> None:
        self._below, self._make = below, make
        self.address = below.address

    def screen(self, refuses: Callable[[str], bool]) -> None:
        self._below.screen(refuses)

    async def accept(self) -> Stream:
        stream = self._make(await self._below.accept())
        stream.start()
        return stream

    async def close(self) -> None:
        await self._below.close()
