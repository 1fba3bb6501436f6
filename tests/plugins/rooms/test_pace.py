"""Members that say too much, and members that do not read: each waits, nothing is lost, and the others go on."""

from pathlib import Path

import pytest
from crowd import PATIENT, Crowd, Stranger, Tight
from msgspec.structs import replace

from plytalk.plugins.rooms import hub as hubs
from plytalk.testing.verdict import idle

# -- those that say too much ----------------------------------------------------------------------------------------------


async def test_who_says_too_much_waits_and_nothing_is_lost_and_the_others_go_on(home: Path) -> None:
    async with Crowd(home, headless=True, rate=50) as crowd:
        alice, bob, hasty = await crowd.joins("alice"), await crowd.joins("bob"), await crowd.joins("hasty")
        paused: list[str] = []
        member = next(one for one in crowd.hub.members.values() if one.name == "hasty")
        resume = member.stream.resume
        member.stream.resume = lambda: (paused.append("resumed"), resume())
        for number in range(300):  # all in one read
            hasty.session.say(f"h{number}")
        await idle()
        assert member.stream._paused
        hasty.session.say("last")
        alice.session.say("meanwhile")
        await bob.until(lambda: "alice: meanwhile" in bob.texts)
        assert "hasty: last" not in bob.texts
        assert paused == []
        await bob.until(lambda: "hasty: last" in bob.texts)
        assert [text for text in bob.texts if text.startswith("hasty: h")] == [f"hasty: h{number}" for number in range(300)]
        assert paused == ["resumed"]


async def test_where_two_are_there_nobody_waits(home: Path) -> None:
    async with Crowd(home, rate=1) as crowd:
        alice = await crowd.comes("alice")
        for number in range(200):
            alice.say(f"{number}")
        await crowd.ui.until(messages=200)


async def test_a_rate_of_nothing_is_any(home: Path) -> None:
    async with Crowd(home, headless=True, rate=0) as crowd:
        alice, _, hasty = await crowd.joins("alice"), await crowd.joins("bob"), await crowd.joins("hasty")
        for number in range(1000):
            hasty.session.say(f"{number}")
        await alice.until(lambda: "hasty: 999" in alice.texts)


# -- those that do not read -----------------------------------------------------------------------------------------------


async def until_heard(stranger: Stranger, count: int) -> None:
    """Wait until so many of the long lines have come."""
    await stranger.until(lambda: sum(event.text.endswith("x") for event in stranger.events) >= count)


@pytest.mark.parametrize("rooms", [True, False], ids=["events", "lines"])
async def test_who_does_not_read_is_dropped_with_a_reason_and_nobody_else_notices(
    home: Path, rooms: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "QUEUE", 200_000)
    limits = replace(PATIENT, goodbye=0.05)
    async with Crowd(home, transport=Tight, host="127.0.0.1", rate=0, limits=limits, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        if rooms:
            lazy = await crowd.joins("lazy")
        else:
            lazy = await crowd.stranger("lazy")
            lazy.session.say("hi")
            await alice.until(lambda: any(": hi" in text for text in alice.texts))
        lazy.session.stream.pause()
        sent = 0
        while not crowd.hub.dropped:
            alice.session.say(f"{sent} " + "x" * 50_000)
            sent += 1
            await until_heard(bob, sent)
            assert sent < 2000
        await crowd.ui.shows("was removed: you did not read what was sent to you.")
        alice.session.say("after")
        await bob.until(lambda: "alice: after" in bob.texts)
        assert [text for text in bob.texts if "left" in text][-1].startswith("* ")
        numbers = [event.text.partition(" ")[0] for event in bob.events if event.name == "alice"]
        assert numbers[-sent - 1 :] == [*map(str, range(sent)), "after"]
        lazy.session.stream.resume()
        await lazy.session.over()


async def test_who_reads_again_in_time_gets_all_in_order(home: Path) -> None:
    async with Crowd(home, transport=Tight, host="127.0.0.1", rate=0, headless=True) as crowd:
        alice, bob, slow = [await crowd.joins(name) for name in ("alice", "bob", "slow")]
        member = next(one for one in crowd.hub.members.values() if one.name == "slow")
        slow.session.stream.pause()
        sent = 0
        while not member.stream.full:
            alice.session.say(f"{sent} " + "x" * 50_000)
            sent += 1
            await until_heard(bob, sent)
        alice.session.say("/msg slow psst")
        alice.session.say("/msg bob not for slow")
        alice.session.say("last")
        await bob.until(lambda: "alice: last" in bob.texts)
        slow.session.stream.resume()
        await slow.until(lambda: "alice: last" in slow.texts)
        ids = [event.id for event in slow.events]
        assert ids == sorted(set(ids))
        assert sum(event.text.endswith("x") for event in slow.events) == sent
        assert "alice, to you alone: psst" in slow.texts
        assert not [text for text in slow.texts if "not for slow" in text]
