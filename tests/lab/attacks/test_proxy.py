"""The attacker between two programs: each conversation gets its own attack, and none is left when it ends."""

import asyncio
from collections.abc import Callable

import pytest
from doors import Doors, Guest
from msgspec.structs import replace

from plytalk.core.contracts.attack import Attack, Interceptor
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.queue_listener import QueueListener
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.proxy import BothClosed, Proxy
from plytalk.lab.attacks.run import Passive
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import TypedFrames

HELLO = TypedFrames().encode(b"M", b"hello")


class Place(QueueListener):
    def release(self) -> None:
        pass


class Street(Doors):
    """Listens as well: `visit` is a client of the attacker's."""

    def __init__(self, habit: Callable[[Guest], None]) -> None:
        super().__init__(habit)
        self.listening = asyncio.Event()
        self.guests_come: asyncio.Queue[None] = asyncio.Queue()

    async def connect(self, host: str, port: int) -> Stream:
        stream = await super().connect(host, port)
        self.guests_come.put_nowait(None)
        return stream

    async def listen(self, host: str, port: int) -> Place:
        self.place = Place(f"{host}:{port}")
        self.listening.set()
        return self.place

    async def visit(self, answer: Callable[[Guest], None] = lambda guest: None) -> Guest:
        ours, theirs = memory_stream_pair()
        self.place.arrive(theirs)
        guest = Guest(ours)
        guest.listen(answer)
        return guest


class Again(Passive):
    """Comes back to the server afterwards, and asks for the client's keys in vain."""

    stream: Stream

    async def finish(self, interceptor: Interceptor) -> None:
        self.stream = await interceptor.connect()
        with pytest.raises(CannotConnect):
            await interceptor.connect(Role.INITIATOR)
        self.stream.close()


def proxy(street: Street, attack: type[Attack] = Passive) -> tuple[Proxy, list[str], list[int]]:
    told: list[str] = []
    made: list[int] = []

    def make(number: int) -> Attack:
        made.append(number)
        return attack(number)

    return Proxy(replace(stack_of(), transport=street), make, {}, told.append), told, made


def echo(guest: Guest) -> None:
    guest.listen(lambda guest: guest.stream.send(bytes(guest.heard)))


async def converse(street: Street) -> None:
    client = await street.visit(lambda client: client.stream.finish() if client.heard == HELLO else None)
    client.stream.send(HELLO)
    await street.guests_come.get()
    await street.guests[-1].gone.wait()  # the client has heard its echo
    street.guests[-1].stream.finish()
    await client.gone.wait()


def test_one_conversation_passes_and_is_told_from_beginning_to_end() -> None:
    async def once() -> tuple[list[str], list[int]]:
        street = Street(echo)
        own, told, made = proxy(street)
        running = asyncio.create_task(own.run(("127.0.0.1", 9000), ("chat.invalid", 8000), once=True))
        await street.listening.wait()
        await converse(street)
        await running
        return told, made

    told, made = clock.run(once())
    assert told[0] == "listening on 127.0.0.1:9000, passing on to chat.invalid port 8000"
    assert told[2] == "[0] both sides are gone"
    assert [line.partition(".")[0] for line in told[3:]] == [
        f"[0] verdict, {side}: not attacked" for side in ("client", "server")
    ]
    assert made == [0]


def test_without_once_each_conversation_has_an_attack_of_its_own_until_it_is_cancelled() -> None:
    async def several() -> tuple[list[int], int]:
        street = Street(echo)
        own, _, made = proxy(street)
        running = asyncio.create_task(own.run(("127.0.0.1", 9000), ("chat.invalid", 8000)))
        await street.listening.wait()
        for _ in range(3):
            await converse(street)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return made, len(asyncio.all_tasks())

    assert clock.run(several()) == ([0, 1, 2], 1)


def test_a_server_that_is_not_there_ends_the_client_s_connection_and_is_told() -> None:
    async def nobody() -> list[str]:
        street = Street(echo)
        street.open = False
        own, told, made = proxy(street)
        running = asyncio.create_task(own.run(("127.0.0.1", 9000), ("chat.invalid", 8000), once=True))
        await street.listening.wait()
        await (await street.visit()).gone.wait()
        await running
        assert made == []
        return told

    assert clock.run(nobody())[1] == "[0] Nobody is at chat.invalid port 8000."


def test_afterwards_an_attack_can_come_back_to_the_server_and_to_nobody_else() -> None:
    async def back() -> int:
        street = Street(echo)
        own, told, _ = proxy(street, Again)
        running = asyncio.create_task(own.run(("127.0.0.1", 9000), ("chat.invalid", 8000), once=True))
        await street.listening.wait()
        await converse(street)
        await running
        assert told[2] == "[0] both sides are gone"
        return len(street.guests)

    assert clock.run(back()) == 2


def test_it_is_over_when_both_ends_are_gone_and_one_of_them_twice_is_not_both() -> None:
    async def wait() -> None:
        over = BothClosed()
        waiting = asyncio.create_task(over.wait())
        for role in (Role.INITIATOR, Role.INITIATOR):
            over.closed(role)
        await asyncio.sleep(0)
        assert not waiting.done()
        over.closed(Role.RESPONDER)
        await waiting

    clock.run(wait())
