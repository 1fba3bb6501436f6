"""A class over real sockets: rooms, keys, reports and hints; and students who try to be another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from solving import SOLUTIONS

import plytalk
from plytalk.core.contracts.errors import NotDone, Usage
from plytalk.core.io.address import Address
from plytalk.lab.classroom import exercise_book as book
from plytalk.lab.classroom.class_feature import LIMITS, ClassFeature
from plytalk.lab.classroom.roster import read_roster
from plytalk.lab.classroom.signed_report import sign
from plytalk.trust.identity import OwnIdentity, load_or_create


class Class:
    """A class that is going on, with the teacher at the server."""

    def __init__(self, server: plytalk.ChatServer, feature: ClassFeature, folder: Path) -> None:
        self.server, self.feature, self.folder = server, feature, folder

    def key(self, who: str) -> OwnIdentity:
        return load_or_create(self.folder / who / "identity")[0]

    @asynccontextmanager
    async def student(self, who: str, name: str | None = None, **more: str) -> AsyncIterator[plytalk.Chat]:
        """A student's connection, with the key of this person."""
        place = self.server.address
        async with plytalk.connect(place, name=name or who, peer=self.server.fingerprint, home=self.folder / who, **more) as chat:
            yield chat

    async def report(self, who: str, name: str, *numbers: int, of: str = "") -> str:
        """The report that this person signs, with answers that are right for `of`."""
        seed, own = self.key(of or who).fingerprint, self.key(who)
        answers = {number: SOLUTIONS[number](await asyncio.to_thread(book.files, number, seed)) for number in numbers}
        return sign(name, answers, own).decode().strip()


@asynccontextmanager
async def taught(folder: Path, names: str = "erin\nfrank\n", run_programs: bool = False) -> AsyncIterator[Class]:
    roster = folder / "roster.txt"
    roster.write_text(names)
    roster.chmod(0o600)
    feature = ClassFeature(roster, folder / "reports", Address("127.0.0.1", 0), run_programs)
    async with plytalk.serve("127.0.0.1:0", name="teacher", feature=feature, limits=LIMITS, home=folder / "teacher") as server:
        yield Class(server, feature, folder)


async def until(chat: plytalk.Chat, kind: type[plytalk.Event], text: str = "") -> plytalk.Event:
    async for event in chat:
        if isinstance(event, kind) and text in getattr(event, "text", ""):
            return event
    raise AssertionError(f"it never came: {text}")


async def in_own_room(chat: plytalk.Chat, room: str) -> None:
    while chat.room != room:
        await until(chat, plytalk.You)


def test_students_get_rooms_and_their_keys_are_noted(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path) as here, here.student("erin") as erin, here.student("frank") as frank:
            await in_own_room(erin, "erin")
            await in_own_room(frank, "frank")
            roster = read_roster(tmp_path / "roster.txt")
            assert [one.key for one in roster.students] == [here.key("erin").fingerprint, here.key("frank").fingerprint]
            assert [one["here"] for one in here.feature.state()["students"]] == [True, True]
            await erin.command("join", "lobby")  # she may go where she wants afterwards
            await until(erin, plytalk.You)
            assert erin.room == "lobby"

    asyncio.run(play())


def test_a_class_behind_one_address_comes_in_one_moment(tmp_path: Path) -> None:
    """A server's own limit is 20 handshakes at a time from one address, as a school may have it."""
    names = [f"pupil{number}" for number in range(30)]

    async def come(here: Class, name: str) -> None:
        async with here.student(name) as chat:
            await in_own_room(chat, name)

    async def play() -> None:
        async with taught(tmp_path, "\n".join(names)) as here:
            listening = asyncio.create_task(until(here.server, plytalk.Closed))
            await asyncio.gather(*(come(here, name) for name in names))
            listening.cancel()
            assert all(student.key for student in here.feature.roster.students)

    asyncio.run(play())


def test_a_report_is_judged_kept_and_shown(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path) as here, here.student("erin") as erin:
            await in_own_room(erin, "erin")
            answer = await erin.command("report", await here.report("erin", "erin", 1, 3, 4))
            assert answer.data == {"1": "right", "3": "not run", "4": "right"}
            wrong = await erin.command("report", await here.report("erin", "erin", 1, 2, of="frank"))
            assert wrong.data == {"1": "wrong", "2": "wrong"}
            await erin.command("report", await here.report("erin", "erin", 1))
            assert here.feature.state()["students"][0]["marks"] == {"1": "right"}
            assert (tmp_path / "reports" / "erin.report").read_text() == await here.report("erin", "erin", 1) + "\n"
            shown = await here.server.command("class")
            assert shown.lines[0] == "erin             + . . . . . . .  here"

    asyncio.run(play())


def test_programs_are_run_where_the_teacher_says_so(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path, run_programs=True) as here, here.student("erin") as erin:
            answer = await erin.command("report", await here.report("erin", "erin", 3, 6))
            assert answer.data == {"3": "right", "6": "right"}

    asyncio.run(play())


def test_nobody_hands_in_for_another(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path) as here, here.student("erin") as erin, here.student("mallory", name="frank") as mallory:
            await in_own_room(erin, "erin")
            await in_own_room(mallory, "frank")  # the name was free: the first key takes it, and the teacher sees the key
            refused = [
                (mallory, await here.report("erin", "erin", 1), "another key than the one with which you connected"),
                (mallory, await here.report("mallory", "erin", 1), "its key is that of frank"),
                (erin, await here.report("erin", "frank", 1), "its key is that of erin"),
                (erin, await here.report("erin", "henry", 1), "its key is that of erin"),
                (erin, (await here.report("erin", "erin", 1)).replace('"1"', '"2"'), "Its signature is wrong"),
                (erin, "nonsense", "not a report"),
                (erin, "", "not a report"),
                (erin, "[" * 100_000, "not a report"),
            ]
            for chat, report, why in refused:
                with pytest.raises(NotDone, match=why):
                    await chat.command("report", report)
            assert here.feature.marks == {}
            assert [*(tmp_path / "reports").iterdir()] == []

    asyncio.run(play())


def test_a_known_name_under_another_key_gets_no_room_and_is_shown(tmp_path: Path) -> None:
    async def play() -> None:
        erin = load_or_create(tmp_path / "erin" / "identity")[0]
        async with taught(tmp_path, f"erin {erin.fingerprint}\n") as here, here.student("mallory", name="erin") as mallory:
            with pytest.raises(NotDone, match="another key of erin"):
                await mallory.command("report", await here.report("mallory", "erin", 1))
            [shown] = here.feature.state()["students"]
            assert not shown["here"]
            assert shown["other_key"] == here.key("mallory").fingerprint
            assert mallory.room == "lobby"
            assert "ANOTHER KEY" in (await here.server.command("class")).lines[0]

    asyncio.run(play())


def test_hints_come_one_after_the_other_in_the_students_room(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path) as here, here.student("erin") as erin:
            await in_own_room(erin, "erin")
            for at, hint in enumerate(book.exercise(3).hints, 1):
                told = await here.server.command("hint", "all", "3")
                assert told.data == ["erin"]  # frank is not here
                message = await until(erin, plytalk.Message)
                assert (message.room, message.sender.name, message.text) == ("erin", "teacher", f"Exercise 3, hint {at}: {hint}")
            assert here.feature.state()["students"][0]["hints"] == {"3": 2}
            for arguments, why in (
                (("erin", "3"), "Nobody got a hint"),
                (("frank", "1"), "Nobody got a hint"),
                (("henry", "1"), "not in the roster"),
                (("erin", "9"), "Name a student"),
                (("erin", "²"), "Name a student"),
                (("3",), "Name a student"),
            ):
                with pytest.raises(NotDone, match=why):
                    await here.server.command("hint", *arguments)
            with pytest.raises(NotDone, match="is for operators"):
                await erin.command("hint", "all", "1")
            with pytest.raises(NotDone, match="is for operators"):
                await erin.command("class")

    asyncio.run(play())


def test_every_exercise_has_hints_that_say_no_more_than_a_line(tmp_path: Path) -> None:
    for number in book.NUMBERS:
        hints = book.exercise(number).hints
        assert len(set(hints)) == 2
        assert all(len(hint) < 160 for hint in hints)


def test_a_roster_that_goes_away_is_told_and_the_class_goes_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with taught(tmp_path) as here:
            (tmp_path / "roster.txt").rename(tmp_path / "elsewhere")
            async with here.student("erin") as erin:
                await until(here.server, plytalk.Notice, "names nobody")
                assert erin.room == "lobby"
                (tmp_path / "roster.txt").unlink(missing_ok=True)
                (tmp_path / "elsewhere").rename(tmp_path / "roster.txt")
                await in_own_room(erin, "erin")

    asyncio.run(play())


def test_a_folder_for_reports_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "inside").write_text("")
        roster = tmp_path / "roster.txt"
        roster.write_text("erin\n")
        feature = ClassFeature(roster, tmp_path / "reports" / "inside" / "more", Address("127.0.0.1", 0))
        with pytest.raises(Usage, match="more cannot be made: Not a directory"):
            await feature.ready(plytalk.Role.RESPONDER, lambda prompt: "")

    asyncio.run(play())


def test_before_it_has_begun_there_is_no_class(tmp_path: Path) -> None:
    roster = tmp_path / "roster.txt"
    roster.write_text("erin\n")
    feature = ClassFeature(roster, tmp_path, Address("127.0.0.1", 0))
    with pytest.raises(Usage, match="not begun"):
        _ = feature.hub
    assert feature.state()["students"][0]["here"] is False
