"""The details of a ban, as written in the file and as listed."""

from pathlib import Path

import pytest
from crowd import Crowd
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.bans import Ban
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.trust.store_errors import Corrupt

KEY = PublicKey.of("ssh-ed25519", bytes(32))


@given(st.text(max_size=40), st.text(max_size=60))
def test_what_is_written_is_one_line_and_is_read(reason: str, name: str) -> None:
    name = "".join(character for character in name if character.isprintable())
    ban = Ban.now(name, reason)
    assert str(ban).isprintable()
    read = Ban.parse(str(ban))
    assert (read.since, read.name, read.reason) == (ban.since, name.replace('"', ""), ban.reason)


@pytest.mark.parametrize(
    ("text", "ban"),
    [
        ("", Ban()),
        ("2026-11-29", Ban("2026-11-29")),
        ("2026-11-29T10:12:11Z bob too much  spam", Ban("2026-11-29T10:12:11Z", "bob", "too much  spam")),
        ('2026-11-29T10:12:11Z "Bob of Example" x', Ban("2026-11-29T10:12:11Z", "Bob of Example", "x")),
        ('2026-11-29T10:12:11Z "" x', Ban("2026-11-29T10:12:11Z", "", "x")),
    ],
)
def test_a_line_of_the_file(text: str, ban: Ban, tmp_path: Path) -> None:
    assert Ban.parse(text) == ban
    (tmp_path / "rooms").write_text(f"ban {KEY} {text}\n")
    (tmp_path / "rooms").chmod(0o600)
    assert Moderation(tmp_path / "rooms").bans() == {KEY: ban}


@pytest.mark.parametrize("text", ["bob", "yesterday bob", "2026-13-01"])
def test_a_ban_that_begins_with_something_else_than_a_time_refuses_the_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "rooms").write_text(f"ban {KEY} {text}\n")
    (tmp_path / "rooms").chmod(0o600)
    with pytest.raises(Corrupt):
        Moderation(tmp_path / "rooms")


async def test_bans_are_listed_with_fingerprints_times_and_reasons_and_lifted_by_name(home: Path) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga, mallory, eve = [await crowd.joins(name) for name in ("olga", "mallory", "eve")]
        olga.session.say("/bans")
        assert (await olga.answer("bans"))["lines"] == ["No key is banned."]
        olga.session.say("/ban mallory too\n much  spam")
        await olga.answer("ban")
        assert (await mallory.session.over()).by is EndedBy.THEM
        olga.session.say(f"/ban {crowd.key('eve').fingerprint}")
        assert (await eve.session.over()).by is EndedBy.THEM
    async with Crowd(home, headless=True, operator=crowd.key("olga").fingerprint) as crowd:  # from the file
        olga = await crowd.joins("olga")
        olga.session.say("/bans")
        answer = await olga.answer("bans")
        since = [ban.pop("since") for ban in answer["data"]]
        assert all(len(time) == 20 and time[-1] == "Z" for time in since)
        keys = [crowd.key(name).fingerprint for name in ("mallory", "eve")]
        assert answer["data"] == [
            {"key": keys[0], "name": "mallory", "reason": "too␊ much spam"},
            {"key": keys[1], "name": "eve", "reason": ""},
        ]
        assert answer["lines"] == [f"mallory, {keys[0]}, since {since[0]}: too␊ much spam", f"eve, {keys[1]}, since {since[1]}"]
        olga.session.say("/unban Mallory sorry")
        answer = await olga.answer("unban")
        assert answer["data"] == {"action": "unban", "target": {"name": "mallory", "key": keys[0]}, "changed": True}
        olga.session.say("/unban nobody-at-all")
        await olga.until(lambda: olga.told[-1].get("text") == "Nobody called 'nobody-at-all' is banned.")
        olga.session.say(f"/unban {keys[1]}")
        await olga.until(lambda: olga.told[-1].get("data", {}).get("target") == {"name": "eve", "key": keys[1]})
        assert not crowd.hub.moderation.bans()
        assert await crowd.joins("mallory")


async def test_a_name_that_was_banned_twice_is_not_guessed(home: Path) -> None:
    async with Crowd(home) as crowd:
        for key in ("one", "two"):
            bob = await crowd.joins(key, name="bob")
            crowd.local_member.say("/ban bob")
            await bob.session.over()
        crowd.local_member.say("/unban bob")
        line = await crowd.ui.shows("2 keys were banned under this name.")
        assert all(crowd.key(key).fingerprint in line for key in ("one", "two"))
        assert len(crowd.hub.moderation.bans()) == 2
