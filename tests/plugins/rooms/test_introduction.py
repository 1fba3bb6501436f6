"""What a newcomer is told of those that are there already, also when that has changed since the one before it came."""

from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.plugins.rooms import introduction


async def test_each_newcomer_is_told_the_names_of_that_moment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introduction, "SHOWN", 2)
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        assert [one["name"] for one in (await bob.welcome())["here"]] == ["server", "alice"]
        alice.session.say("/name ällis")
        await alice.until(lambda: alice.told[-1]["do"] == "you")
        carol = await crowd.joins("carol")
        welcome = await carol.welcome()
        ällis = {"name": "ällis", "key": crowd.key("alice").fingerprint, "marks": []}
        assert welcome["here"] == [{"name": "server", "key": None, "marks": []}, ällis]
        assert welcome["count"] == 4
