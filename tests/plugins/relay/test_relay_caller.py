from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.relay.relay_caller import Caller, CallerState, RelayLimits


def test_a_new_caller_is_nobody_yet() -> None:
    first, second = (Caller(stream, b"source") for stream in memory_stream_pair())
    assert (first.state, first.name, first.partner, first.timer) == (CallerState.NEW, "", None, None)
    assert first.cutter is not second.cutter
    assert len({first, second}) == 2  # each is itself, whatever it holds


def test_the_limits_are_those_of_the_specification() -> None:
    assert RelayLimits() == RelayLimits(holds=1000, pairs=500, unopened=200, joins_a_minute=20, holds_of_source=8)
