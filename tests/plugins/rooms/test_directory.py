"""Which name a member gets, and who is found by it."""

import asyncio
from pathlib import Path

import pytest
from crowd import PATIENT, Crowd
from msgspec.structs import replace

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms import directory
from plytalk.plugins.rooms.member_names import MAX_NAME
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.trust.word_list import WORDS


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


async def test_whose_name_another_key_took_meanwhile_is_told(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.joins("bob")
        bob.cut()
        await crowd.ui.shows("[bob] has left")
        await crowd.joins("dave", name="bob")
        bob = await crowd.joins("bob", resume={"epoch": crowd.hub.epoch, "last": 1})
        welcome = await bob.welcome()
        assert welcome["you"] == "bob-2"
        assert "is taken" in welcome["why"]


async def test_one_key_twice_is_two_members(home: Path) -> None:
    async with Crowd(home) as crowd:
        first = await crowd.joins("alice")
        second = await crowd.joins("alice", instance="another")
        assert (await first.welcome())["you"] == "alice"
        assert (await second.welcome())["you"] == "alice-2"
        assert "why" not in await second.welcome(), "it is the same person at another terminal"


async def test_a_name_that_was_made_up_is_not_made_longer(home: Path) -> None:
    async with Crowd(home) as crowd:
        several = [await crowd.joins("alice", instance=str(number)) for number in range(5)]
        assert [(await one.welcome())["you"] for one in several] == ["alice", "alice-2", "alice-3", "alice-4", "alice-5"]


async def test_a_name_is_found_even_where_all_that_come_to_mind_are_kept_by_others(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.comes("alice")
        hub = crowd.hub

        class Keyless:
            key, name = None, ""

        assert [hub.names.choose(Keyless(), "") for _ in range(2)] == [("visitor", ""), ("visitor-2", "")]
        for number in range(1, 40):
            name = "visitor" if number == 1 else f"visitor-{number}"
            hub.moderation.claim(name, PublicKey.of("ssh-ed25519", number.to_bytes(32, "big")))
        assert hub.names.choose(Keyless(), "") == ("visitor-40", "")


async def test_a_name_that_is_made_up_is_of_two_words_that_the_key_chooses(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        several = [await crowd.joins("alice", instance=str(number), name="") for number in range(3)]
        words = "-".join(WORDS[byte] for byte in crowd.key("alice").blob[-2:])
        assert [(await one.welcome())["you"] for one in several] == [words, f"{words}-2", f"{words}-3"]


async def test_one_key_has_its_own_name_nine_times_and_then_one_that_is_made_up(home: Path) -> None:
    async with Crowd(home, headless=True, limits=replace(PATIENT, connections_per_key=11)) as crowd:
        several = [await crowd.joins("alice", instance=str(number), name="" if number else "alice") for number in range(11)]
        words = "-".join(WORDS[byte] for byte in crowd.key("alice").blob[-2:])
        called = [(await one.welcome())["you"] for one in several]
        assert called == ["alice", *(f"alice-{number}" for number in range(2, 10)), words, f"{words}-2"]


async def test_a_kept_name_that_nobody_could_take_now_stays_good_for_its_key_alone(home: Path) -> None:
    (home / "rooms").write_text(f"name {Crowd(home).key('alice')} two words\n")
    (home / "rooms").chmod(0o600)
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice", name="two words")
        assert (await alice.welcome())["you"] == "two words"
        alice.session.exit()
        await alice.session.over()
        bob = await crowd.joins("bob", name="two words")
        assert await bob.tells("A name cannot have spaces in it.")


async def test_a_member_is_found_by_its_name_and_by_none_that_is_only_like_it(home: Path) -> None:
    longest = "x" * MAX_NAME
    async with Crowd(home, headless=True) as crowd:
        for name in ("alice", longest):
            await crowd.joins(name)
        find = crowd.hub.names.find
        assert [find(name).name for name in ("alice", "@Alice", longest)] == ["alice", "alice", longest]
        for other in ("al.ice", "bob", longest + "x", ""):
            with pytest.raises(Usage, match="No member here has the name"):
                find(other)


async def test_each_address_may_have_new_names_kept_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, now = asyncio.get_running_loop(), 1000.0
    monkeypatch.setattr(loop, "time", lambda: now)
    names = directory.Directory(Moderation(None), loop)
    near, far = "127.0.0.1:1", "192.0.2.1:1"
    for address, most in ((near, 50), (far, 5)):
        for _ in range(most):
            names.count_kept(address)
    now += 24 * 3600 - 1
    for address in (near, far):
        with pytest.raises(Usage, match="Too many names"):
            names.count_kept(address)
    now += 1
    for address in (near, far):
        names.count_kept(address)


async def test_the_names_of_so_many_keys_are_remembered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MAX_REMEMBERED", 2)
    async with Crowd(home, headless=True) as crowd:
        for name in ("alice", "bob", "alice", "carol"):
            member = await crowd.joins(name)
            member.session.exit()
            await member.session.over()
        called = {name: (await (await crowd.joins(name, name="")).welcome())["you"] for name in ("alice", "carol", "bob")}
        assert (called["alice"], called["carol"]) == ("alice", "carol")
        assert called["bob"] != "bob"


async def test_the_names_kept_for_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MAX_REMEMBERED", 2)
    names = directory.Directory(Moderation(None), asyncio.get_running_loop())
    for number in range(1, 10):
        names.count_kept(f"192.0.2.{number}:1")
        assert len(names._kept) <= 2


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
        assert crowd.hub.moderation.name_of(crowd.key("carol")) is None


async def test_names_in_other_scripts_are_shown_as_they_are_written(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        crowd.local_member.say("/whois Ren\u00e9e")
        await crowd.ui.shows("No member here has the name 'Ren\u00e9e'.")
        await crowd.joins("bob", name="Zo\u00eb")
        crowd.local_member.say("/name Zo\u00eb")
        await crowd.ui.shows("The name 'Zo\u00eb', or one that looks like it, is taken.")
