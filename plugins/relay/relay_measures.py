"""`chat relay --metrics HOST:PORT`: how much a relay carries, for Prometheus. No name, number or address is among it."""

from collections.abc import Iterator

from plytalk.core.contracts.measures import Measure
from plytalk.plugins.relay.relay_frames import RelayReason
from plytalk.plugins.relay.relay_server import Relay


def measures(relay: Relay) -> Iterator[Measure]:
    """What is measured of a relay, as it is now."""
    figures = relay.figures
    yield Measure("plytalk_relay_names_held", "Names that are held.", len(relay.holders))
    yield Measure("plytalk_relay_pairs", "Conversations that are passed on.", figures.pairs)
    yield Measure("plytalk_relay_waiting", "Joiners whose holder has not answered yet.", relay.waiting)
    yield Measure("plytalk_relay_unopened", "Connections that have not said yet what they want.", relay.unopened)
    yield Measure("plytalk_relay_paired_total", "Conversations that have begun.", figures.paired, "counter")
    yield Measure("plytalk_relay_passed_on_bytes_total", "Bytes that were passed on, both ways.", figures.bytes, "counter")
    yield Measure("plytalk_relay_evicted_total", "Connections that made way for newer ones.", figures.evicted, "counter")
    for reason in RelayReason:  # all of them, from 0 on: an alert must not wait for the first
        labels, count = {"reason": reason.name.lower()}, figures.refused[reason]
        yield Measure("plytalk_relay_refused_total", "Connections that the relay refused.", count, "counter", labels)
