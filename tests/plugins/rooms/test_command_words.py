"""The arguments of commands: a member, a key, or the rest of the line; and the errors for anything else."""

from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.command_words import MAX_TEXT, key_named, need, person, reason, room_of
from plytalk.plugins.rooms.typed_command import TypedCommand


def typed(crowd: Crowd, line: str) -> TypedCommand:
    """A line of the person at the server."""
    return TypedCommand(crowd.hub, crowd.local_member, line)


def sentence(error: pytest.ExceptionInfo[Usage]) -> str:
    return error.value.sentence


async def test_a_command_is_given_in_the_room_of_the_member_and_in_none_after_that(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        assert room_of(typed(crowd, "/who")) is crowd.hub.first
        crowd.local_member.leave_room()
        with pytest.raises(Usage, match=r"^You have left the room\.$"):
            room_of(typed(crowd, "/who"))


async def test_what_a_command_needs_is_the_rest_of_the_line(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        assert need(typed(crowd, "/me  waves  at bob "), "what you do") == "waves  at bob"
        for line in ("/me", "/me   "):
            with pytest.raises(Usage, match=r"^Say what you do\.$"):
                need(typed(crowd, line), "what you do")


def test_a_reason_may_be_so_long_and_no_longer() -> None:
    for why in ("", "é" * MAX_TEXT):
        assert reason(why) == why
    with pytest.raises(Usage, match=r"^A reason has at most 200 characters\.$"):
        reason("x" * (MAX_TEXT + 1))


async def test_a_member_is_found_by_its_name_and_by_its_fingerprint(home: Path) -> None:
    async with Crowd(home) as crowd:
        for name in ("alice", "bob"):
            await crowd.joins(name)
        call = typed(crowd, "/whois")
        for who in ("bob", "@BOB", crowd.key("bob").fingerprint):
            assert (person(call, who).name, person(call, who).key) == ("bob", crowd.key("bob"))
        assert person(call, "server") is crowd.local_member
        for who, why in (
            ("carol", "No member here has the name 'carol'."),
            (crowd.key("carol").fingerprint, "No member here has this fingerprint."),
            ("SHA256:", "No member here has this fingerprint."),
        ):
            with pytest.raises(Usage) as error:
                person(call, who)
            assert sentence(error) == f"{why} /who lists the members."


async def test_a_key_is_that_of_a_member_or_one_that_is_written_out(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        await crowd.joins("bob")
        call, carol = typed(crowd, "/ban"), crowd.key("carol")
        assert key_named(call, "bob") == key_named(call, crowd.key("bob").fingerprint) == crowd.key("bob")
        assert key_named(call, f"{carol}") == key_named(call, f"{carol} Carol of Example") == carol
        for who, why in (
            ("server", "server shows no key. That is the person at the server."),
            ("carol", "No member here has the name 'carol'. /who lists the members."),
            ("SHA256:short", "That is not a fingerprint: "),
            ("ssh-ed25519", "That is not a key: "),
            (f"ssh-rsa {str(carol).split()[1]}", "That is not a key: "),
        ):
            with pytest.raises(Usage) as error:
                key_named(call, who)
            assert sentence(error).startswith(why)


@pytest.mark.parametrize("word", ["op", "ban", "mute", "claim"])
async def test_a_key_that_is_not_here_is_known_by_its_fingerprint_once_something_is_noted_of_it(home: Path, word: str) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        call, carol = typed(crowd, "/op"), crowd.key("carol")
        with pytest.raises(Usage) as error:
            key_named(call, carol.fingerprint)
        assert sentence(error) == ("No key that is known here has this fingerprint. Name the key itself: ssh-ed25519 AAAA...")
        note(crowd, word, carol)
        assert key_named(call, carol.fingerprint) == carol


def note(crowd: Crowd, word: str, key: PublicKey) -> None:
    if word == "claim":
        crowd.hub.moderation.claim("carol", key)
    else:
        getattr(crowd.hub.moderation, word)(key)
