"""`check_transport` accepts what keeps the contract, and names what breaks it."""

import asyncio
from collections.abc import Callable

import pytest
from filters import Pieces

from plytalk.core.bases.filter_listener import FilterListener, opened_client
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.memory_stream import HIGH_WATER, MemoryStream
from plytalk.core.io.queue_listener import QueueListener
from plytalk.testing import check_transport


class TransportBed(QueueListener):
    def __init__(self, transport: "Link", name: str) -> None:
        super().__init__(name)
        self._transport = transport

    def release(self) -> None:
        self._transport.places.pop(self.address, None)


class Link(Transport):
    """Memory streams of a kind, met at a name that belongs to one transport."""

    name = "link"
    names_place = True
    stream: type[MemoryStream] = MemoryStream
    listener: type[TransportBed] = TransportBed

    def __init__(self) -> None:
        self.places: dict[str, TransportBed] = {}

    async def listen(self, host: str, port: int) -> Listener:
        if host in self.places:
            raise CannotConnect(f"{host} is taken.")
        self.places[host] = self.listener(self, host)
        return self.places[host]

    async def connect(self, host: str, port: int) -> Stream:
        if host not in self.places:
            raise CannotConnect(f"Nobody listens at {host}.")
        client, server = self.stream("the server"), self.stream("the client")
        client._other, server._other = server, client
        self.places[host].arrive(server)
        return client


def test_a_transport_that_keeps_its_contract_passes() -> None:
    check_transport(Link, "here")


class TakesEveryEnd(Pieces):
    """Takes the end of the stream below for its own."""

    def _below_ended(self, error: Exception | None) -> None:
        self.deliver_end()


class TakesEveryEndBelow(Link):
    """Says nothing of a cut."""

    async def listen(self, host: str, port: int) -> Listener:
        return FilterListener(await super().listen(host, port), lambda below: TakesEveryEnd(below, begins=False))

    async def connect(self, host: str, port: int) -> Stream:
        return await opened_client(TakesEveryEnd(await super().connect(host, port), begins=True), 10)


def weak(stream: type[MemoryStream]) -> type[Transport]:
    return type("Weak", (Link,), {"__doc__": stream.__doc__, "stream": stream})


class Nameless(MemoryStream):
    """Does not say who is there."""

    def __init__(self, peer: str) -> None:
        super().__init__("")


class DropsTheEarly(MemoryStream):
    """Loses what comes before anybody receives."""

    def _arrive(self, pieces) -> None:
        if self._receive:
            super()._arrive(pieces)


class NeverPauses(MemoryStream):
    """Delivers only after a wait."""

    def pause(self) -> None:
        pass


class NeverWaits(MemoryStream):
    """Says that all is sent."""

    async def drained(self) -> None:
        pass


class WaitsTogether(MemoryStream):
    """Cancels all who wait when one is cancelled."""

    _waiting_for: asyncio.Future[None] | None = None

    async def drained(self) -> None:
        if self.buffered > HIGH_WATER:
            if self._waiting_for is None:
                self._waiting_for = asyncio.ensure_future(super().drained())
            try:
                await self._waiting_for
            except asyncio.CancelledError:
                raise RuntimeError("who cancelled me?") from None


class KeepsTheFirst(MemoryStream):
    """Does not replace a receiver."""

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        if not self._receive:
            super().deliver_to(receive, ended)


class ForgetsTheEnd(MemoryStream):
    """Tells the end once, to the receiver at that time."""

    _told = False

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        def tell(error: Exception | None) -> None:
            if not self._told:
                self._told = True
                ended(error)

        super().deliver_to(receive, tell)


class EndsBothWays(MemoryStream):
    """Its end ends the other side too."""

    def finish(self) -> None:
        super().finish()
        self._other._finished = True


class SendsAfterTheEnd(MemoryStream):
    """Has more to say."""

    def send(self, data: bytes) -> None:
        finished, self._finished = self._finished, False
        super().send(data)
        self._finished = finished


class SwapsPieces(MemoryStream):
    """Delivers the latest first."""

    def _arrive(self, pieces) -> None:
        super()._arrive(pieces)
        self._inbox.rotate(1)


class NeverEnds(MemoryStream):
    """Does not tell the end."""

    def finish(self) -> None:
        self._finished = True


class EndsInAFault(MemoryStream):
    """Tells every end as a fault."""

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        super().deliver_to(receive, lambda error: ended(OSError("gone")))


class EndsTwice(MemoryStream):
    """Tells the same end twice."""

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        def tell(error: Exception | None) -> None:
            ended(error)
            if self._other._closed:
                ended(error)

        super().deliver_to(receive, tell)


class Breaks(MemoryStream):
    """Breaks after its end, when something is sent to a peer that has closed."""

    _ended: Callable[[Exception | None], None] | None = None

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        self._ended = ended
        super().deliver_to(receive, ended)

    def send(self, data: bytes) -> None:
        super().send(data)
        if self._other._closed and self._ended:
            ended, self._ended = self._ended, None
            ended(OSError("broken pipe"))


def test_a_connection_may_break_after_its_end() -> None:
    check_transport(weak(Breaks), "here")


class RaisesOnceClosed(MemoryStream):
    """Raises where nothing should happen."""

    def send(self, data: bytes) -> None:
        if self._closed:
            raise OSError("closed")
        super().send(data)


class KeepsThePlace(TransportBed):
    def release(self) -> None:
        pass


class WaitsForEver(TransportBed):
    async def accept(self) -> Stream:
        while True:
            try:
                return await super().accept()
            except CannotConnect:
                await asyncio.sleep(3600)


class TakesPeersAlong(TransportBed):
    def __init__(self, transport: Link, name: str) -> None:
        super().__init__(transport, name)
        self._met: list[Stream] = []

    def arrive(self, stream: Stream) -> None:
        self._met.append(stream)
        super().arrive(stream)

    def release(self) -> None:
        super().release()
        for stream in self._met:
            stream.close()


class SharesThePlace(Link):
    """Lets two listen at one place."""

    async def listen(self, host: str, port: int) -> Listener:
        self.places.pop(host, None)
        return await super().listen(host, port)


class RefusesInOtherWords(Link):
    """Raises what the system raises."""

    async def connect(self, host: str, port: int) -> Stream:
        if host not in self.places:
            raise ConnectionRefusedError(host)
        return await super().connect(host, port)


class NeedsAPort(Link):
    """Says that it has ports, and names none."""

    names_place = False


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (weak(Nameless), "no `peer`"),
        (weak(DropsTheEarly), "before `deliver_to` is lost"),
        (weak(NeverPauses), "between `pause` and `resume`"),
        (weak(NeverWaits), "`drained` returns with"),
        (weak(WaitsTogether), "raises RuntimeError"),
        (weak(KeepsTheFirst), "does not replace the receiver"),
        (weak(ForgetsTheEnd), "after the end does not hear of it"),
        (weak(EndsBothWays), "no longer arrive"),
        (weak(SendsAfterTheEnd), "lets more go out after it"),
        (weak(SwapsPieces), "do not arrive as they were sent"),
        (weak(NeverEnds), "end of the stream is not told"),
        (weak(EndsInAFault), "as a fault"),
        (weak(EndsTwice), "called 2 times"),
        (weak(RaisesOnceClosed), "raises OSError"),
        (type("Weak", (Link,), {"__doc__": "Keeps its place.", "listener": KeepsThePlace}), "succeeds where nobody listens"),
        (type("Weak", (Link,), {"__doc__": "Waits for ever.", "listener": WaitsForEver}), "`accept` waits for ever"),
        (type("Weak", (Link,), {"__doc__": "Takes peers along.", "listener": TakesPeersAlong}), "ends conversations that it had"),
        (SharesThePlace, "Two listeners share one address"),
        (TakesEveryEndBelow, "counts as an end"),
        (RefusesInOtherWords, "raises ConnectionRefusedError"),
        (NeedsAPort, "is not host:port"),
    ],
)
def test_a_weakened_transport_fails_in_words(make: type[Transport], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plytalk.testing.verdict.PATIENCE", 3.0)  # enough for what works, also on a busy machine
    with pytest.raises(AssertionError, match=words):
        check_transport(make, "here")
