"""What a relay counts, and that it says nothing of who they are."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from relaying import Talker, holding, paired

from plytalk.core.contracts.measures import exposition
from plytalk.plugins.relay.relay_caller import RelayLimits
from plytalk.plugins.relay.relay_frames import JOIN, RelayReason, first
from plytalk.plugins.relay.relay_measures import measures
from plytalk.plugins.relay.relay_server import Relay
from plytalk.testing.verdict import idle


def figures(relay: Relay) -> dict[str, float]:
    """The values by name, with the reason where there is one."""
    families = text_string_to_metric_families(exposition(measures(relay)))
    return {
        " ".join((sample.name.removeprefix("plytalk_relay_"), *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_what_goes_on_is_counted() -> None:
    relay = Relay({"h"}, limits=RelayLimits(unopened=2))
    nothing = figures(relay)
    assert set(nothing.values()) == {0}
    assert {f"refused_total {reason.name.lower()}" for reason in RelayReason} < set(nothing)
    answer, joiner = await paired(relay)
    joiner.stream.send(b"12345")
    answer.stream.send(b"678")
    _, name = await holding(relay)
    await Talker(relay).says(first(JOIN, name.encode()))
    await Talker(relay).says(first(JOIN, b"nobody"))
    silent = [Talker(relay) for _ in range(3)]
    await idle()
    found = {name: value for name, value in figures(relay).items() if value}
    assert found == {
        "names_held": 2, "pairs": 1, "waiting": 1, "unopened": 2,
        "paired_total": 1, "passed_on_bytes_total": 8, "evicted_total": 1, "refused_total nobody": 1,
    }  # fmt: skip
    assert silent


@pytest.mark.parametrize("secret", ["192.0.2.1", "198.51.100.9", "SHA256"])
async def test_no_name_and_no_address_is_told(secret: str) -> None:
    relay = Relay({"h"})
    await paired(relay)
    assert secret not in exposition(measures(relay))
    assert not any("name" in measure.labels or "number" in measure.labels for measure in measures(relay))
