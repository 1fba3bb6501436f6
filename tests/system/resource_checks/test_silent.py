"""Crowds that connect and say nothing keep no honest client out. How fast that goes, no test says."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.system.resources import silent
from tests.system.resources.crowd import source
from tests.system.resources.silent import ADDRESSES, DOORS, SilentCrowd, joined, joins, open_doors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs several addresses of this machine, as Linux has them")
AT_RELAY, AT_DOOR = 10_000, 2000
PLACES = 200
"""Of connections that have not said yet what they want, at a relay."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))


def test_an_honest_client_is_through_a_relay_while_ten_thousand_are_silent_there() -> None:
    with open_doors(("tcp", "relay")) as (_, at_relay):
        crowd = SilentCrowd(at_relay.crowd, AT_RELAY)
        joins(at_relay, 3)
        told = crowd.leaves()
    assert told["opened"] == AT_RELAY
    assert AT_RELAY - PLACES <= told["ended"] <= AT_RELAY, "the silent ones took more places than there are"


def test_an_honest_client_is_in_by_each_door_while_two_thousand_are_silent_at_every_one() -> None:
    with open_doors() as doors:
        crowds = [SilentCrowd(door.crowd, AT_DOOR) for door in doors]
        for door in doors:
            asyncio.run(joined(door))
        told = [crowd.leaves() for crowd in crowds]
    assert [door.transport for door in doors] == [*DOORS]
    assert [one["opened"] for one in told] == [AT_DOOR] * len(DOORS)


def test_the_crowd_comes_from_many_addresses_and_not_from_that_of_the_honest() -> None:
    assert len({source(number, ADDRESSES) for number in range(AT_RELAY)}) == ADDRESSES
    assert "127.0.0.1" not in {source(number, ADDRESSES) for number in range(AT_RELAY)}


def test_rows_say_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent, "BESIDE", 2)
    with open_doors(("tcp",)) as (door,):
        row = silent.beside(door, 30, "a server", "an honest client comes")
    assert row.done == "30 silent clients at a server, while an honest client comes"
    assert row.held
