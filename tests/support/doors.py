"""A server in the test's own process, behind its own transport: it does to everybody who connects what the test says."""

import asyncio
from collections.abc import Callable

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.memory_stream import memory_stream_pair


class Guest:
    """The server's end of one connection: `heard` is what has come, `gone` whether the other side has left."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.heard = bytearray()
        self.gone = asyncio.Event()

    def listen(self, answer: Callable[["Guest"], None] = lambda guest: None) -> None:
        """Take in what comes, and answer to each piece."""

        def receive(data: Buffer) -> None:
            self.heard += data
            answer(self)

        self.stream.deliver_to(receive, lambda error: self.gone.set())


class Doors(Transport):
    """Connects to a server with this habit; `open` False is a server that is not there."""

    name = "test-doors"

    def __init__(self, habit: Callable[[Guest], None] = Guest.listen) -> None:
        self.habit = habit
        self.open = True
        self.guests: list[Guest] = []

    async def listen(self, host: str, port: int) -> Listener:
        raise CannotConnect

    async def connect(self, host: str, port: int) -> Stream:
        if not self.open:
            raise CannotConnect(f"Nobody is at {host} port {port}.")
        ours, theirs = memory_stream_pair()
        self.guests.append(Guest(theirs))
        self.habit(self.guests[-1])
        return ours


def greets(greeting: bytes) -> Callable[[Guest], None]:
    """The habit of speaking first."""

    def greet(guest: Guest) -> None:
        guest.stream.send(greeting)
        guest.listen()

    return greet


def hangs_up(guest: Guest) -> None:
    """The habit of ending the connection at the first byte that comes."""
    guest.listen(lambda guest: guest.stream.close())
