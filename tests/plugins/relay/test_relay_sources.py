"""Sources: what they tell of an address, and how often one may join."""

import pytest

from plytalk.plugins.relay import relay_sources
from plytalk.plugins.relay.relay_frames import SOURCE
from plytalk.plugins.relay.relay_sources import RelaySources


def test_a_source_is_an_address_without_its_port_or_a_network_of_ipv6() -> None:
    sources = RelaySources(2, 10)
    assert sources.tag("192.0.2.1:1") == sources.tag("192.0.2.1:2") != sources.tag("192.0.2.2:1")
    assert sources.tag("[2001:db8::1]:1") == sources.tag("[2001:db8::2]:1") != sources.tag("[2001:db8:0:1::1]:1")
    assert len(sources.tag("192.0.2.1:1")) == SOURCE


def test_it_is_another_one_for_each_name_and_each_run() -> None:
    sources = RelaySources(2, 10)
    assert len({sources.tag("192.0.2.1:1", name) for name in ("", "412", "413")}) == 3
    assert sources.tag("192.0.2.1:1") != RelaySources(2, 10).tag("192.0.2.1:1")


def test_a_source_joins_so_often_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(relay_sources.time, "monotonic", lambda: now)
    sources = RelaySources(2, 10)
    assert [sources.may_join(b"a") for _ in range(3)] == [True, True, False]
    assert sources.may_join(b"b")
    now = 60.0
    assert [sources.may_join(b"a") for _ in range(3)] == [True, True, False]


def test_sources_that_do_not_come_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(relay_sources.time, "monotonic", lambda: now)
    sources = RelaySources(2, 10)
    for number in range(11):
        assert sources.may_join(bytes([number]))
    now = 59.0
    sources.may_join(b"last")
    assert len(sources._joined) == 12
    now = 61.0
    sources.may_join(b"another")
    assert [*sources._joined] == [b"last", b"another"]
