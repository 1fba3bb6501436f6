"""What passes below a stream: kept until a trace asks, or until nobody has asked when the conversation begins."""

from collections.abc import Iterator

from filters import HELLO, Pieces

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.contracts.spans import Span
from plytalk.core.contracts.wire import IN, OUT, CutWire, WireUnit
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle

WireUnits = list[tuple[str, WireUnit]]


class Halves(Pieces):
    """Describes what passes in units of two bytes, until there is a `!`."""

    def cut(self, way: str) -> CutWire:
        rest = bytearray()

        def cut(data: bytes) -> Iterator[WireUnit]:
            rest.extend(data)
            while len(rest) >= 2:
                unit = bytes(rest[:2])
                del rest[:2]
                if b"!" in unit:
                    raise ValueError(unit)
                yield WireUnit(f"half {way}", unit, [Span("two", 0, 2)])

        return cut


async def pair(kind: type[Pieces]) -> tuple[Pieces, Pieces]:
    client, server = memory_stream_pair()
    ours, theirs = kind(client, begins=True), kind(server, begins=False)
    theirs.start()
    return await opened_client(ours, 10), theirs


def bytes_sent(units: WireUnits, way: str) -> bytes:
    return b"".join(unit.data for one, unit in units if one == way)


async def test_the_opening_is_told_too_and_what_nobody_describes_is_in_units_without_a_name() -> None:
    client, server = await pair(Pieces)
    units: WireUnits = []
    client.tell_wire(lambda way, unit: units.append((way, unit)))
    assert [(way, unit.name, unit.data, [span.name for span in unit.spans]) for way, unit in units] == [
        (OUT, "bytes", HELLO, [""]),
        (IN, "bytes", HELLO, [""]),
    ]
    theirs = Receiver(server)
    Receiver(client)
    client.send(b"ab")
    server.send(b"c")
    await idle()
    assert bytes_sent(units, OUT) == HELLO + b"\0\2ab"
    assert bytes_sent(units, IN) == HELLO + b"\0\1c"
    assert theirs.came == b"ab"


async def test_a_fault_in_a_description_costs_the_description_alone() -> None:
    client, server = await pair(Halves)
    units: WireUnits = []
    client.tell_wire(lambda way, unit: units.append((way, unit)))
    theirs = Receiver(server)
    client.send(b"ok!")
    client.send(b"more")
    await idle()
    assert theirs.came == b"ok!more"
    names = [unit.name for way, unit in units if way == OUT]
    assert names[0] == "half out"
    assert names[-2:] == ["bytes", "bytes"]


async def test_nothing_is_kept_once_a_conversation_has_begun_untraced() -> None:
    client, _ = await pair(Pieces)
    assert client._passed
    Receiver(client)
    client.send(b"ab")
    assert client._passed is None
    units: WireUnits = []
    client.tell_wire(lambda way, unit: units.append((way, unit)))
    assert units == []


async def test_a_stream_below_another_one_tells_as_well() -> None:
    below, other = memory_stream_pair()
    client, server = Halves(Pieces(below, begins=True), begins=True), Halves(Pieces(other, begins=False), begins=False)
    server.start()
    await opened_client(client, 10)
    assert client.below._passed, "what is above has not begun its conversation"
    units: WireUnits = []
    client.tell_wire(lambda way, unit: units.append((way, unit)))
    assert {unit.name for _, unit in units} == {"bytes", "half in", "half out"}
    quiet = [client.below._passed, client._passed]
    assert quiet == [None, None]
    Receiver(server)
    assert server.below._passed is None
