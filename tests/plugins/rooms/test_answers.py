"""The answer to a command: data for programs and lines for people, with the line's number; and who a member is told it is."""

import asyncio
import re
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.plugins.rooms import room_commands


async def count_up(call) -> None:
    call.tell("one")
    await asyncio.sleep(0)
    call.tell("two")
    call.answer({"n": 3}, ["three"])


def tell_and_fail(call) -> None:
    call.tell("begun")
    raise Usage("No more.", "Stop.")


class Counting(Feature):
    """Counts."""

    name = "counting"
    commands = (
        Command("both", "Answers.", lambda call: (call.tell("told"), call.answer([call.rest], ["said"]))),
        Command("up", "Counts up.", count_up),
        Command("begin", "Fails on the way.", tell_and_fail),
        Command("silent", "Does it.", lambda call: None),
        Command("data", "Answers something that is not JSON.", lambda call: call.answer({call.rest: {1}})),
        Command("nan", "The same.", lambda call: call.answer(float("nan"))),
        Command("long", "Answers at length.", lambda call: call.answer("x" * DEFAULT_LIMITS.message)),
    )


async def test_every_command_is_answered_once_with_the_number_of_its_line(home: Path) -> None:
    async with Crowd(home, Counting, headless=True) as crowd:
        alice = await crowd.joins("alice")
        for line in ("hello", "/both 7", "/silent", "//said", "/SILENT", "/begin", "/nosuch x", "/up"):
            alice.session.say(line)
        assert await alice.answer("up") == {
            "do": "result",
            "line": 8,
            "command": "up",
            "data": {"n": 3},
            "lines": ["two", "three"],
        }
        assert alice.told[1:-1] == [
            {"do": "result", "line": 2, "command": "both", "data": ["7"], "lines": ["told", "said"]},
            {"do": "result", "line": 3, "command": "silent", "lines": []},
            {"do": "result", "line": 5, "command": "silent", "lines": []},
            {"do": "tell", "text": "begun"},
            {"do": "error", "line": 6, "command": "begin", "code": "usage", "text": "No more.", "hint": "Stop."},
            {
                "do": "error", "line": 7, "command": "nosuch", "code": "unknown-command",
                "text": "There is no command /nosuch.", "hint": "/help lists them; begin with // to say it.",
            },
            {"do": "tell", "text": "one"},
        ]  # fmt: skip


@pytest.mark.parametrize("command", ["data x", "nan"])
async def test_what_json_cannot_write_is_a_fault_of_the_feature(home: Path, command: str) -> None:
    async with Crowd(home, Counting, headless=True) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say(f"/{command}")
        name = command.partition(" ")[0]
        answer = await alice.answer(name)
        assert (answer["do"], answer["code"]) == ("error", "command-failed")
        await crowd.ui.shows(f"/{name} of counting raised")


async def test_an_answer_that_is_longer_than_a_message_may_be_is_an_error(home: Path) -> None:
    async with Crowd(home, Counting, headless=True) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("/long")
        answer = await alice.answer("long")
        assert (answer["do"], answer["code"]) == ("error", "usage")


async def test_who_rooms_topic_and_help_answer_with_data(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Crowd(home, Counting) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("/topic tea")
        alice.session.say("/topic")
        alice.session.say("/rooms")
        alice.session.say("/help up")
        alice.session.say("/who")
        fingerprint = crowd.key("alice").fingerprint
        server, own = (await alice.answer("who"))["data"]
        assert server == {"name": "server", "key": None, "marks": [], "operator": True, "muted": False, "away": None}
        assert own == {"name": "alice", "key": fingerprint, "marks": [], "operator": False, "muted": False, "away": None}
        assert (await alice.answer("topic"))["data"] == {"topic": "tea"}
        assert (await alice.answer("rooms"))["data"] == [{"room": "lobby", "count": 2, "topic": "tea"}]
        up = {"name": "up", "help": "Counts up.", "operators": False, "feature": "counting"}
        assert (await alice.answer("help"))["data"] == [up]
        monkeypatch.setattr(room_commands, "MAX_LISTED", 1)
        alice.session.say("/who")
        await alice.tells("and 1 more")
        assert len((await alice.answer("who"))["data"]) == 1


async def test_a_member_is_told_who_it_is_when_it_comes_and_when_that_changes(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob", name="Alice")
        welcome = await bob.welcome()
        fingerprint = crowd.key("bob").fingerprint
        assert (welcome["key"], welcome["marks"], welcome["operator"], welcome["count"]) == (fingerprint, [], False, 3)
        assert welcome["here"] == [
            {"name": "server", "key": None, "marks": []},
            {"name": "alice", "key": crowd.key("alice").fingerprint, "marks": []},
        ]
        assert welcome["why"].startswith("The name 'Alice', or one that looks like it, is taken.")
        assert welcome["why"].endswith(f"You are {welcome['you']}.")
        assert "why" not in await alice.welcome()
        alice.session.say("/name alicia")
        await alice.until(lambda: alice.told[-1]["do"] == "you")
        assert (alice.told[-1]["you"], alice.told[-1]["count"], len(alice.told[-1]["here"])) == ("alicia", 3, 2)
        crowd.local_member.say("/op alicia")
        await alice.until(lambda: alice.told[-1].get("operator"))
        crowd.local_member.say("/deop alicia")
        await alice.until(lambda: alice.told[-1].get("operator") is False)
        assert [one["do"] for one in bob.told] == ["welcome"]
        assert sum(one["do"] == "you" for one in alice.told) == 3


def documented() -> dict[str, set[str]]:
    """By command, the words of its row in the page of the protocol."""
    page = (Path(__file__).parents[3] / "docs/protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", page.partition("### Answers")[2].partition("###")[0], re.MULTILINE)
    words = {command: set(re.findall("`(.+?)`", said)) for commands, said in rows for command in re.findall("`(.+?)`", commands)}
    changes = {command: said | words["kick"] for command, said in words.items() if said == {"changed"}}
    return {**words, **changes, "whois": words["whois"] | words["who"]}


async def test_what_commands_answer_is_what_the_protocol_says(home: Path) -> None:
    words = documented()
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga = await crowd.joins("olga")
        await crowd.joins("bob")
        lines = (
            *("/help", "/who", "/whois bob", "/rooms", "/topic", "/away", "/msg bob x", "/mute bob", "/unmute bob", "/op bob"),
            *(
                "/deop bob",
                "/ban bob",
                "/bans",
                "/unban bob",
                "/me waves",
                "/name ola",
                "/nick olga",
                "/topic tea",
                "/keep",
                "/join kitchen",
            ),
        )
        for number, line in enumerate(lines, 1):
            olga.session.say(line)
            await olga.until(lambda number=number: any(one.get("line") == number for one in olga.told))
        answers = {lines[one["line"] - 1]: one for one in olga.told if one["do"] == "result"}
        assert [*answers] == [*lines]
        for line, answer in answers.items():
            data = answer.get("data")
            for part in data if isinstance(data, list) else [data] if data else []:
                assert set(part) <= words[answer["command"]], line
        assert {answer["command"] for answer in answers.values() if "data" in answer} == set(words) - {
            "reply", "kick", "release", "allow",
        }  # fmt: skip
        assert set(words) < {command.name for command in room_commands.COMMANDS}


async def test_what_a_command_has_changed_is_in_its_answer_and_none_is_null(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        for line, data in (
            ("/topic", {"topic": None}), ("/topic tea", {"topic": "tea"}), ("/name ann", {"name": "ann"}),
            ("/nick ann", {"name": "ann"}), ("/keep", {"name": "ann"}), ("/join Kitchen", {"room": "kitchen"}),
            ("/join kitchen", {"room": "kitchen"}),
        ):  # fmt: skip
            before = len(alice.told)
            alice.session.say(line)
            await alice.until(lambda before=before: any(one["do"] == "result" for one in alice.told[before:]))
            assert next(one for one in alice.told[before:] if one["do"] == "result").get("data") == data, line
        alice.session.say("/rooms")
        assert {room["topic"] for room in (await alice.answer("rooms"))["data"]} == {"tea", None}
