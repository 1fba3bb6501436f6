"""`check_transport`: a transport between two ends in one process, over whatever it really uses."""

import asyncio
from collections.abc import Awaitable, Callable

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.testing.cutting import seeded
from plytalk.testing.others import check_layer
from plytalk.testing.verdict import demand, idle, judged, run, within

MUCH = 3 * 1024 * 1024
"""More than any buffer on the way should take, in bytes."""


class Receiver:
    """Takes what a stream delivers, and waits for it."""

    def __init__(self, stream: Stream) -> None:
        self.came = bytearray()
        self.ends: list[Exception | None] = []
        self._news = asyncio.Event()
        stream.deliver_to(self._receive, self._ended)

    def _receive(self, data: Buffer) -> None:
        self.came += data
        self._news.set()

    def _ended(self, error: Exception | None) -> None:
        self.ends.append(error)
        self._news.set()

    async def until(self, condition: Callable[[], object], otherwise: str) -> None:
        async def come() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        await within(come(), otherwise)

    async def hears(self, data: bytes, otherwise: str) -> None:
        await self.until(lambda: len(self.came) >= len(data) or self.ends, otherwise)
        demand(self.came == data, otherwise)

    async def hears_the_end(self, otherwise: str) -> None:
        await self.until(lambda: self.ends, otherwise)


class TransportBed:
    """Listens and connects, as often as a check wants."""

    def __init__(
        self, make: Callable[[], Transport], host: str, port: int, listens: Callable[[], Transport] | None = None
    ) -> None:
        self.transport, self._host, self._port = make(), host, port
        self.listening = listens() if listens else self.transport

    async def listen(self) -> Listener:
        return await within(self.listening.listen(self._host, self._port), "`listen` never returns.")

    async def connect(self, listener: Listener) -> Stream:
        return await within(self.transport.connect(*self.address(listener)), "`connect` never returns.")

    def address(self, listener: Listener) -> tuple[str, int]:
        """What `connect` takes, from what a listener says."""
        if self.listening.names_place:
            return listener.address, 0
        host, _, port = listener.address.rpartition(":")
        demand(port.isdigit(), f"The listener's address {listener.address!r} is not host:port, so nobody knows where to connect.")
        return host.strip("[]"), int(port)

    async def pair(self, listener: Listener) -> tuple[Stream, Stream]:
        accepting = asyncio.create_task(listener.accept())
        client = await self.connect(listener)
        return client, await within(accepting, "A peer connects, but `accept` never returns.")


@judged
def check_transport(
    make: Callable[[], Transport], host: str = "127.0.0.1", port: int = 0, listens: Callable[[], Transport] | None = None
) -> None:
    """Hold a transport to its contract. It listens at `host` and `port`, several times over. Raises AssertionError.

    `listens` makes the transport that listens in its place, for one that only connects: `tcp` for a command that connects there.
    """
    check_layer(type(make()))
    for check in (
        _carries_bytes,
        _waits_for_a_receiver,
        _holds_back,
        _changes_receivers,
        _says_the_last_word,
        _closes,
        _tells_a_cut_from_an_end,
        _lets_waiting_be_cancelled,
        _gives_its_place_back,
    ):
        run(lambda check=check: _with_a_place(TransportBed(make, host, port, listens), check))  # type: ignore[misc]


async def _with_a_place(place: TransportBed, check: Callable[[TransportBed, Listener], Awaitable[None]]) -> None:
    listener = await place.listen()
    try:
        await check(place, listener)
    finally:
        await listener.close()


async def _carries_bytes(place: TransportBed, listener: Listener) -> None:
    pairs = [await place.pair(listener) for _ in range(2)]
    for number, (client, server) in enumerate(pairs):
        demand(client.peer and server.peer, "A stream has no `peer`: say who is there, for people to read.")
        hearing = Receiver(client), Receiver(server)
        for size in (1, 1000, MUCH):
            for sender, receiver in ((client, hearing[1]), (server, hearing[0])):
                receiver.came.clear()
                data = seeded(size + number).randbytes(size)
                for at in range(0, size, 100_000):
                    sender.send(data[at : at + 100_000])
                    await within(sender.drained(), "`drained` never returns, though the other side reads.")
                await receiver.hears(data, f"{size:,} bytes do not arrive as they were sent.")
                demand(sender.buffered == 0, "`buffered` is not 0 when everything has arrived.")
    _close(*pairs[0], *pairs[1])


async def _waits_for_a_receiver(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    client.send(b"early")
    await idle()
    await Receiver(server).hears(b"early", "What is sent before `deliver_to` is lost: keep it until somebody receives.")
    _close(client, server)


async def _holds_back(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    receiver = Receiver(server)
    client.send(b"first")
    await receiver.hears(b"first", "The first bytes do not arrive.")
    server.pause()
    data = seeded(1).randbytes(MUCH)
    sent = 0
    while client.buffered < MUCH and sent < 10:
        client.send(data)
        sent += 1
        await idle()
    demand(receiver.came == b"first", "Bytes are delivered between `pause` and `resume`: a peer could fill the memory.")
    waiting = [asyncio.create_task(client.drained()) for _ in range(2)]
    await idle()
    demand(
        not any(task.done() for task in waiting),
        f"`drained` returns with {client.buffered:,} bytes waiting and a peer that reads nothing: wait until it takes some.",
    )
    waiting[0].cancel()
    server.resume()
    await within(waiting[1], "`drained` does not return once the peer reads on, though only another waiter was cancelled.")
    await receiver.hears(b"first" + data * sent, "Bytes are lost between `pause` and `resume`.")
    await asyncio.gather(*waiting, return_exceptions=True)
    _close(client, server)


async def _changes_receivers(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    first = Receiver(server)
    client.send(b"one")
    await first.hears(b"one", "The first bytes do not arrive.")
    second = Receiver(server)
    client.send(b"two")
    await second.hears(b"two", "A second `deliver_to` does not replace the receiver.")
    demand(first.came == b"one", "A receiver that was replaced still receives.")
    client.finish()
    await second.hears_the_end("The end of the stream is not told: call `ended`.")
    third = Receiver(server)
    await third.hears_the_end("A receiver that comes after the end does not hear of it: tell it at once.")
    demand(third.ends == [None] and not third.came, "The end is told as a fault, or with bytes that came before.")
    _close(client, server)


async def _says_the_last_word(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    ours, theirs = Receiver(client), Receiver(server)
    data = seeded(4).randbytes(MUCH)
    client.send(data)
    client.finish()
    client.finish()
    client.send(b"too late")
    await theirs.hears_the_end("`finish` does not tell the other side that no more comes.")
    demand(theirs.came == data, "`finish` loses what was sent before it, or lets more go out after it.")
    demand(theirs.ends == [None], f"The other side hears of the end as {theirs.ends}, instead of once and without a fault.")
    server.send(b"still here")
    await ours.hears(b"still here", "After `finish` the other side's bytes no longer arrive: end our own direction only.")
    _close(client, server)


async def _closes(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    ours, theirs = Receiver(client), Receiver(server)
    client.close()
    client.close()
    client.send(b"too late")
    client.finish()
    client.pause()
    client.resume()
    await theirs.hears_the_end("`close` does not tell the other side.")
    await within(client.drained(), "`drained` never returns on a closed stream.")
    server.send(b"to nobody")
    await idle()
    server.send(b"to nobody")
    await idle()
    demand(not theirs.came, "Something is sent after `close`.")
    demand(not ours.came, "Something is delivered after `close`.")
    demand(theirs.ends[0] is None, "`close` reaches the other side as a fault.")
    again = theirs.ends[1:]  # what is sent to nobody may break the connection
    demand(len(again) <= 1 and None not in again, f"`ended` is called {len(theirs.ends)} times: call it once.")
    _close(server)


async def _tells_a_cut_from_an_end(place: TransportBed, listener: Listener) -> None:
    """Where the transport runs over another one, which says no more than that it is over."""
    client, server = await place.pair(listener)
    if isinstance(client, FilterStream) and not client.ends_with_below:
        theirs = Receiver(server)
        client.send(b"half of it")
        await theirs.hears(b"half of it", "What is sent does not arrive.")
        client.below.close()
        await theirs.hears_the_end("An end of the stream below is not told.")
        demand(
            theirs.ends != [None],
            "An end of the stream below counts as an end: where this stream's own is missing, tell a fault.",
        )
    _close(client, server)


async def _lets_waiting_be_cancelled(place: TransportBed, listener: Listener) -> None:
    accepting = asyncio.create_task(listener.accept())
    await idle()
    accepting.cancel()
    await within(asyncio.wait({accepting}), "`accept` does not end when it is cancelled.")
    client, server = await place.pair(listener)
    client.send(b"hello")
    await Receiver(server).hears(b"hello", "After a cancelled `accept` the next peer is lost.")
    _close(client, server)


async def _gives_its_place_back(place: TransportBed, listener: Listener) -> None:
    client, server = await place.pair(listener)
    address = place.address(listener)
    if not place.listening.is_given_address:
        await _is_taken(place, address)
    waiting = asyncio.create_task(listener.accept())
    await idle()
    demand(not waiting.done(), "`accept` gives a peer although nobody has connected.")
    await listener.close()
    await within(asyncio.wait({waiting}), "`accept` waits for ever on a closed listener: raise CannotConnect.")
    demand(
        isinstance(waiting.exception(), CannotConnect), "`accept` on a closed listener raises something else than CannotConnect."
    )
    receiver = Receiver(server)
    client.send(b"still here")
    await receiver.hears(b"still here", "Closing the listener ends conversations that it had accepted.")
    try:
        stranger = await within(place.transport.connect(*address), "`connect` to a place where nobody listens never returns.")
    except CannotConnect:
        pass
    else:
        await _fails_to_connect(stranger)
    again = await (place.listen() if place.listening.is_given_address else place.listening.listen(*address))
    await listener.close()
    _close(*await place.pair(again), client, server)
    await again.close()


async def _fails_to_connect(stranger: Stream) -> None:
    """A stream to a place where nobody listens: one that learns it later says so as its end."""
    why = "`connect` succeeds where nobody listens: raise CannotConnect, or end the stream with it."
    receiver = Receiver(stranger)
    try:
        await receiver.hears_the_end(why)
    finally:
        stranger.close()
    demand(isinstance(receiver.ends[0], CannotConnect), why)


async def _is_taken(place: TransportBed, address: tuple[str, int]) -> None:
    try:
        other = await place.listening.listen(*address)
    except CannotConnect:
        return
    await other.close()
    raise AssertionError("Two listeners share one address: raise CannotConnect, saying that it is taken.")


def _close(*streams: Stream) -> None:
    for stream in streams:
        stream.close()
