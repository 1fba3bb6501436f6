"""Which name a member gets, and who is found by it."""

from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms import directory


async def test_a_name_that_is_taken_or_looks_like_it_or_is_reserved_is_refused(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        mallory = await crowd.comes("mallory")
        for name in ("alice", "ALICE", "a1ice", "\u0430lice", "server", "admin", "you: hi", "x" * 33, "\x1b[2J"):
            mallory.say(f"/name {name}")
        mallory.say("/name mallet")
        await alice.shows("* [mallory] is now [mallet].")
        assert len(mallory.ui.notices) >= 9
        assert not [line for line in (*alice.ui.messages, *mallory.ui.messages) if "is now" in line and "mallet" not in line]
        assert all(line.isprintable() for line in (*mallory.ui.notices, *mallory.ui.messages))


async def test_a_name_that_cannot_be_had_is_told_and_another_one_given(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.comes("alice")
        other = await crowd.joins("mallory", name="Alice")
        assert await other.tells("taken")
        assert (await other.welcome())["you"] not in ("alice", "Alice", "")


async def test_a_kept_name_stays_with_its_key_also_when_the_server_starts_anew(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        alice.say("/keep")
        await alice.shows("alice is yours")
        alice.say("exit")
        await alice.over()
        mallory = await crowd.joins("mallory", name="alice")
        await mallory.tells("belongs to another key")
        alice = await crowd.comes("alice", asks=False)
        assert alice.client.stack.features[0]._room_client.name == "alice"
    async with Crowd(home) as crowd:
        mallory = await crowd.joins("mallory", name="a1ice")
        await mallory.tells("belongs to another key")


async def test_one_key_twice_is_two_members(home: Path) -> None:
    async with Crowd(home) as crowd:
        first = await crowd.joins("alice")
        second = await crowd.joins("alice", instance="another")
        assert (await first.welcome())["you"] == "alice"
        assert (await second.welcome())["you"] == "alice-2"


async def test_a_name_that_was_made_up_is_not_made_longer(home: Path) -> None:
    async with Crowd(home) as crowd:
        several = [await crowd.joins("alice", instance=str(number)) for number in range(5)]
        assert [(await one.welcome())["you"] for one in several] == ["alice", "alice-2", "alice-3", "alice-4", "alice-5"]


async def test_a_name_is_found_even_where_all_that_come_to_mind_are_kept_by_others(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.comes("alice")
        hub = crowd.hub
        for number in range(1, 40):
            name = "visitor" if number == 1 else f"visitor-{number}"
            hub.register.claim(name, PublicKey.of("ssh-ed25519", number.to_bytes(32, "big")))

        class Keyless:
            key, name = None, ""

        assert hub.names.choose(Keyless(), "") == "visitor-40"


async def test_one_address_has_so_many_names_kept_in_a_day(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "LOCAL_NAMES_A_DAY", 2)
    async with Crowd(home, headless=True) as crowd:
        for name in ("alice", "bob"):
            one = await crowd.joins(name)
            one.session.say("/keep")
            await one.tells(f"{name} is yours")
        carol = await crowd.joins("carol")
        carol.session.say("/keep")
        await carol.tells("Too many names were kept from your address today.")
        assert crowd.hub.register.name_of(crowd.key("carol")) is None
