"""Which streams can tell what passes below them."""

from filters import Pieces

from plytalk.core.contracts.wire import TellsWire, WireUnit
from plytalk.core.io.memory_stream import memory_stream_pair


async def test_a_stream_over_another_one_can_tell_and_one_of_the_system_has_nothing_to_tell() -> None:
    one, _ = memory_stream_pair()
    assert not isinstance(one, TellsWire)
    assert isinstance(Pieces(one, begins=True), TellsWire)
    assert WireUnit("record", b"ab", []).data == b"ab"
