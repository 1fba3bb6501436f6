"""The commands about files, and their answers."""

from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Person
from offering import folder_of, reaches, written

from plytalk.core.contracts.errors import NotDone
from plytalk.core.contracts.events import Error, File, Result
from plytalk.core.contracts.shortage import NO_THREAD
from plytalk.plugins.files import made_offers
from plytalk.plugins.files.file_commands import number_of
from plytalk.plugins.files.file_items import OFFERS
from plytalk.testing.verdict import idle


def answers(person: Person) -> list[Result | Error]:
    return [event for event in person.ui.events if isinstance(event, Result | Error)]


def conversation(person: Person) -> Any:
    """What a person's UI talks to."""
    return person.ui.session


async def test_each_is_answered_with_its_request(home: Path) -> None:
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"))
        crowd.local_member.command("send", [str(film)], "s")
        await reaches(bob.ui, "offered")
        session = bob.ui.session
        assert session
        session.command("accept", ["1"], "a")
        await reaches(bob.ui, "done")
        session.command("transfers", [], "t")
        await bob.shows("1  film.mkv (100 B) from server: done")
        accepted, listed = answers(bob)
        assert isinstance(accepted, Result)
        assert isinstance(listed, Result)
        assert (accepted.command, accepted.request) == ("accept", "a")
        assert accepted.data["transfer"] == "1"
        assert listed.data == [
            {"transfer": "1", "name": "film.mkv", "size": 100, "state": "done", "done": 100, "direction": "in"}
        ]
        crowd.local_member.say("/transfers")
        await crowd.ui.shows("1  film.mkv (100 B) to everybody: offered, received by 1")


async def test_what_makes_no_sense_is_said(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        for line, answer in (
            ("/send", "Say which file"), ("/send @ann", "Say which file"), ("/accept", "No such offer waits"),
            ("/accept 7", "No such offer waits"), ("/decline", "No such offer waits"), ("/cancel", "No such transfer"),
            ("/cancel x", "'x' is not the number of a transfer"), (f"/send {home}/missing", "No such file"),
            ('/send "half', "No such file"), ("/transfers", "There are no transfers"), ("/accept 1 2", "One transfer at a time"),
            (f"/accept {'1' * 5000}", "is not the number of a transfer"),
        ):  # fmt: skip
            bob.say(line)
            await bob.shows(answer)
        assert not [event for event in bob.ui.events if isinstance(event, File)]


@pytest.mark.parametrize("name", ["x" * 10_000, "\ud800" * 300], ids=["long", "not text"])
async def test_a_name_that_no_member_can_have_ends_no_chat(home: Path, name: str) -> None:
    """The server took the offer for an attack, since it was too long, and ended the conversation."""
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        conversation(bob).command("send", [str(film), f"@{name}"], "s")
        await bob.shows("No member here has the name")
        conversation(bob).command("send", [str(film)], "t")
        await reaches(crowd.ui, "offered")


async def test_a_program_too_may_replace_a_file(home: Path) -> None:
    """Its words are a tuple, in which the last one was not found: a number was added to the name."""
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"))
        (folder_of(crowd, "bob") / "film.mkv").write_text("before")
        crowd.local_member.command("send", [str(film)], "s")
        await reaches(bob.ui, "offered")
        conversation(bob).command("accept", ("1", "replace"), "a")
        await reaches(bob.ui, "done")
        assert (folder_of(crowd, "bob") / "film.mkv").read_bytes() == film.read_bytes()


async def test_a_name_with_spaces_is_quoted_and_several_files_are_offered(home: Path) -> None:
    written(home / "my film.mkv", 10)
    written(home / "b.txt", 10)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        crowd.local_member.say(f'/send "{home}/my film.mkv" {home}/b.txt @bob')
        await bob.shows("* [server] offers my film.mkv (10 B). /accept 1 receives it.")
        await bob.shows("* [server] offers b.txt (10 B). /accept 2 receives it.")


async def test_an_offer_is_declined_or_taken_back(home: Path) -> None:
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        crowd.local_member.say(f"/send {film}")
        await reaches(bob.ui, "offered")
        bob.say("/decline 1")
        await crowd.ui.shows("* [bob] declines film.mkv.")
        await bob.shows("* You have declined film.mkv. /accept 1 receives it after all, while it is offered.")
        crowd.local_member.say(f"/send {film}")
        await bob.shows("/accept 2 receives it")
        crowd.local_member.say("/cancel")
        await bob.shows("* [server] does not offer film.mkv any more.")
        await crowd.ui.shows("* You do not offer film.mkv any more.")
        bob.say("/accept 2")
        await bob.shows("film.mkv is not offered any more. Ask its sender to offer it again.")


async def test_a_transfer_to_one_member_ends_with_its_answer(home: Path) -> None:
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob, eve = await crowd.comes("bob"), await crowd.comes("eve")
        crowd.local_member.say(f"/send {film} @bob")
        await reaches(bob.ui, "offered")
        bob.say("/decline")
        await crowd.ui.shows("* [bob] declines film.mkv.")
        crowd.local_member.say("/cancel")
        await crowd.ui.shows("No such transfer goes on.")
        assert not [event for event in eve.ui.events if isinstance(event, File)]


def test_a_number_may_be_left_out() -> None:
    assert number_of([]) is None
    assert number_of(["12"]) == 12


async def test_a_file_is_accepted_in_place_of_one_that_exists(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        (folder / "x").write_text("before")
        bob = await crowd.comes("bob", into=folder)
        for words, names in (("/accept replace", ["x"]), ("/accept", ["x", "x (1)"])):
            crowd.local_member.say(f"/send {written(home / 'x', 10)}")
            await reaches(bob.ui, "offered")
            bob.say(words)
            await reaches(bob.ui, "done")
            assert sorted(one.name for one in folder.iterdir()) == names
            bob.ui.events.clear()


@pytest.mark.parametrize("say_exit", [lambda chat: chat.exit(), lambda chat: chat.say(" Exit ")], ids=["end-of-input", "line"])
async def test_a_script_that_leaves_at_once_gets_the_answers_first_and_an_exit_code_that_says_it_all(
    say_exit: Any, home: Path
) -> None:
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        for path, request in ((film, "1"), (home / "missing", "2")):
            bob = await crowd.comes("bob")
            conversation(bob).command("send", [str(path)], request)
            say_exit(conversation(bob))
            assert conversation(bob).ending
            ending = await bob.over()
            (answer,) = answers(bob)
            assert answer.request == request
            assert isinstance(answer, Result if path is film else Error)
            assert isinstance(ending.error, NotDone) == (path is not film)


async def test_the_person_at_the_server_gets_the_answers_first_too(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.comes("bob")
        person = crowd.local_member
        person.command("send", [str(home / "missing")], "1")
        person.exit()
        assert person.ending
        assert person.room
        await crowd.ui.shows("No such file")
        assert person.failed
        while person.room:
            await idle()


async def test_a_command_that_the_end_of_the_chat_overtakes_is_answered(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        conversation(bob).command("send", [str(written(home / "film.mkv", 100))], "1")
        bob.session.fail(NotDone())
        await bob.over()
        (answer,) = answers(bob)
        assert isinstance(answer, Error)
        assert (answer.code, answer.request) == ("answer-lost", "1")


@pytest.mark.parametrize("name", ["", "a\0b", "~a\0b", "\ud800"], ids=["empty", "nul", "nul-of-a-home", "surrogate"])
async def test_what_no_file_can_be_called_is_answered(name: str, home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        conversation(bob).command("send", [name], "1")
        await bob.shows("not the name of a file.")


@pytest.mark.parametrize("whom", [["@"], ["@bob", "b.txt"]], ids=["nobody", "in-the-middle"])
async def test_a_name_that_is_not_understood_makes_no_offer_to_everybody(whom: list[str], home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        conversation(bob).command("send", [str(written(home / "a.txt", 10)), *whom], "1")
        await bob.shows("Whom it is for comes last: /send film.mkv @bob. A file that begins with @ is ./@film.mkv.")
        assert not [event for event in bob.ui.events if isinstance(event, File)]


async def test_too_many_files_at_one_time_are_refused_before_any_is_offered(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        path = str(written(home / "a.txt", 10))
        conversation(bob).command("send", [path] * (OFFERS + 1), "1")
        await bob.shows(f"At most {OFFERS} files or folders can be offered at one time. A folder that has them all in it is one.")
        assert not [event for event in bob.ui.events if isinstance(event, File)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError(NO_THREAD), "The system lets this program start no more"),
        (KeyError("x"), "Unexpected error: KeyError."),
    ],
)
async def test_a_command_that_fails_unexpectedly_is_answered_too(
    error: Exception, said: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is left to wait, as `chat send` was where no thread could be started."""

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(made_offers, "_prepared", fails)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        conversation(bob).command("send", [str(written(home / "film.mkv", 10))], "s")
        await bob.shows(said)
        [answer] = answers(bob)
        assert isinstance(answer, Error)
        assert answer.request == "s"


async def test_a_key_says_whom_a_file_is_for(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, erin, eve = [await crowd.comes(name) for name in ("bob", "erin", "eve")]
        file, key = str(written(home / "a.txt", 10)), crowd.key("erin").fingerprint
        conversation(bob).command("send", [file, f"@{key}"], "1")
        await reaches(erin.ui, "offered")
        await reaches(bob.ui, "offered")
        conversation(bob).command("transfers", [], "2")
        await bob.shows("a.txt (10 B) to erin: offered")
        assert not [event for event in eve.ui.events if isinstance(event, File)]


async def test_a_key_that_nobody_there_has_makes_no_offer(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        file, key = str(written(home / "a.txt", 10)), crowd.key("erin").fingerprint
        conversation(bob).command("send", [file, f"@{key}"], "1")
        await bob.shows(f"No member here has the key {key}. /who lists the members.")
        conversation(bob).command("send", [file, "@SHA256:short"], "2")
        await bob.shows("SHA256:short is not a key: a fingerprint is SHA256: and 43 characters, as `ssh-keygen -l` shows it.")
        erin = await crowd.comes("erin")
        await idle()
        assert not [event for one in (bob, erin, crowd) for event in one.ui.events if isinstance(event, File)]
