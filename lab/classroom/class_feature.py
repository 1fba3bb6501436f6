"""A class: the students' keys, what each student has handed in, and which hints were given.

A student connects with `chat connect HOST --name NAME` and is put into a room with that name. The first key that comes under a
name of the roster is noted there. Reports come as a command, `/report`, and are judged as `chat lab grade` does it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.commands import Call, Command
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import clean, shorten
from plytalk.core.io.address import Address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.classroom.exercise_book import EXERCISES, NUMBERS, exercise
from plytalk.lab.classroom.grading import LETTERS, SUFFIX, AnswerMark, judge, not_the_students
from plytalk.lab.classroom.progress_page import ProgressPage
from plytalk.lab.classroom.roster import Roster, Student, bind_key, read_roster
from plytalk.lab.classroom.signed_report import SignedReport, parse_report
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.rooms.hub import Hub
from plytalk.plugins.rooms.room_events import Kind
from plytalk.trust.files import make_folder, write

EVERY = 0.5
"""The interval at which the list of students is checked, in seconds."""
EVERYONE = "all"
LIMITS = replace(Limits(), unauthenticated_per_address=100, connections_per_address=200, failures=100)
"""Those of a server whose members come in one moment, and often from the one address of a school."""


class ClassFeature(Feature):
    """The rooms, the reports and the hints of a class."""

    name = "class"

    def __init__(self, roster: Path, reports: Path, page: Address, run_programs: bool = False) -> None:
        self._file, self._reports, self._run_programs = roster, reports, run_programs
        self.roster: Roster = read_roster(roster)
        self.marks: dict[str, dict[int, AnswerMark]] = {}
        self.hints: dict[str, dict[int, int]] = {}
        self._answers: dict[tuple[str, int], tuple[str, AnswerMark]] = {}
        self._judging = asyncio.Lock()
        self._busy: set[str] = set()
        self._moved: set[int] = set()
        self._rooms: Rooms | None = None
        self._watching: asyncio.Task[None] | None = None
        self._page = ProgressPage(page, self.state)
        self.commands = (  # type: ignore[misc]
            Command("report", "Hand in a report: `chat lab report FILE HOST` does it.", self.hand_in),
            Command("class", "Show everyone's progress.", self.show_class, operators=True),
            Command("hint", "Give the next hint: /hint erin 3, or /hint all 3.", self.give_hint, operators=True),
        )

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        try:
            make_folder(self._reports)
        except OSError as error:
            raise Usage(f"The folder {self._reports} cannot be made: {error.strerror}.", "Name another one: --reports.") from None
        return [
            await self._page.listen(),
            f"Reports go to {self._reports}.",
            "/class shows everyone's progress, /hint all 1 gives a hint, and Ctrl-C twice ends the class.",
        ]

    @hookimpl
    def server_opened(self, stack: Stack, notice: Callable[[str], None]) -> None:
        self._rooms = next(feature for feature in stack.features if isinstance(feature, Rooms))
        self._watching = asyncio.get_running_loop().create_task(self._watch(notice))

    async def release(self) -> None:
        self._page.close()
        if self._watching:
            self._watching.cancel()

    @property
    def hub(self) -> Hub:
        """The server's members and rooms. Raises Usage before it is open."""
        if self._rooms and self._rooms.hub:
            return self._rooms.hub
        raise Usage("The class has not begun.")

    # -- who is there ------------------------------------------------------------------------------------------------------

    async def _watch(self, notice: Callable[[str], None]) -> None:
        while True:
            for member in self._remote_members():
                try:
                    await self._note(member)
                except ChatError as error:  # such as a roster that was deleted meanwhile
                    notice(error.sentence)
            await asyncio.sleep(EVERY)

    def _remote_members(self) -> list[Any]:
        """Those who are in a room over a connection that shows a key."""
        members: Iterable[Any] = self._rooms.hub.members.values() if self._rooms and self._rooms.hub else ()
        return [member for member in members if member.key and member.room]

    async def _note(self, member: Any) -> None:
        """Note the key of a student who comes for the first time, and put the student into the room. Raises ChatError."""
        key = member.key.fingerprint
        student = self.roster.of_key(key)
        if student is None and (named := self.roster.find(member.name)) and not named.key:
            self.roster = await asyncio.to_thread(bind_key, self._file, named.name, key)
            student = self.roster.of_key(key)
        if student and member.id not in self._moved and member.room is self.hub.first:
            self._moved.add(member.id)
            self.hub.leave(member, f"gone to {student.room}")
            self.hub.enter(member, self.hub.rooms.open(student.room))
            if not member.hears_events:
                member.introduce()

    def present(self, student: Student) -> bool:
        """Whether the student is there, with the key of the roster."""
        return bool(student.key) and any(member.key.fingerprint == student.key for member in self._remote_members())

    def other_key(self, student: Student) -> str:
        """The fingerprint of another key that is there under the student's name; empty for none."""
        others = (one.key.fingerprint for one in self._remote_members() if one.name == student.name)
        return next((key for key in others if key != student.key), "")

    # -- reports -----------------------------------------------------------------------------------------------------------

    async def hand_in(self, call: Any) -> None:
        """`/report JSON`: verify a report, judge its answers, keep it. Raises Usage, BadReport, StoreError."""
        report = parse_report(call.rest.encode(errors="replace") + b"\n")
        if call.member.key != report.key:
            raise Usage("That report was signed with another key than the one with which you connected.")
        named = self.roster.find(report.name)
        if named and not named.key and self.roster.of_key(report.key.fingerprint) is None:
            self.roster = await asyncio.to_thread(bind_key, self._file, report.name, report.key.fingerprint)
        if why := not_the_students(report, self.roster):
            raise Usage(f"That report does not count here. {why}")
        if report.name in self._busy:
            raise Usage("Your last report is still being judged.", "Hand this one in again when it is done.")
        self._busy.add(report.name)
        try:
            async with self._judging:
                marks = await asyncio.to_thread(self._judge, report)
        finally:
            self._busy.discard(report.name)
        write(self._reports / f"{report.name}{SUFFIX}", call.rest.encode() + b"\n")
        self.marks[report.name] = marks
        shown = [f"{number}  {mark.value or 'no answer'}" for number, mark in marks.items()]
        call.answer({str(number): mark.value for number, mark in marks.items()}, [f"Your report is in, {report.name}.", *shown])

    def _judge(self, report: SignedReport) -> dict[int, AnswerMark]:
        """What each answer is worth; one that was judged before is not judged again."""
        for number, answer in report.answers.items():
            if self._answers.get((report.name, number), ("",))[0] != answer:
                self._answers[report.name, number] = answer, judge(report, number, self._run_programs)
        return {number: self._answers[report.name, number][1] for number in sorted(report.answers)}

    # -- what the teacher does ---------------------------------------------------------------------------------------------

    def show_class(self, call: Call) -> None:
        call.answer(self.state(), [*self.lines()])

    def lines(self) -> Iterator[str]:
        """A line for each student, for the terminal."""
        for student in self.roster.students:
            marks = self.marks.get(student.name, {})
            letters = " ".join(LETTERS[marks.get(number, AnswerMark.NONE)] for number in NUMBERS)
            remark = "here" if self.present(student) else ""
            if other := self.other_key(student):
                remark = f"ANOTHER KEY: {other}"
            yield f"{student.name:<16} {letters}  {remark}".rstrip()

    def give_hint(self, call: Any) -> None:
        """`/hint NAME N`: say the next hint in the student's room, as the teacher. Raises Usage."""
        name, _, number = call.rest.rpartition(" ")
        if not number.isdecimal() or int(number) not in NUMBERS or not name:
            raise Usage("Name a student and an exercise.", "For example: /hint erin 3, or /hint all 3.")
        found = self.roster.find(name.strip())
        if name.strip() != EVERYONE and found is None:
            raise Usage(f"{shorten(name)} is not in the roster.")
        students = [found] if found else self.roster.students
        told = [student.name for student in students if self._hint(student, int(number), call.member)]
        if not told:
            raise Usage("Nobody got a hint: they are not here, or have had every hint.", "/class shows who is here.")
        call.answer(told, [f"Gave a hint to exercise {number} to {', '.join(told)}."])

    def _hint(self, student: Student, number: int, teacher: Any) -> bool:
        """Whether there was a hint left, and the student there to read it."""
        given, hints = self.hints.setdefault(student.name, {}), exercise(number).hints
        at = given.get(number, 0)
        if at >= len(hints) or not self.present(student):
            return False
        given[number] = at + 1
        self.hub.rooms.open(student.room).happen(Kind.SAID, teacher, f"Exercise {number}, hint {at + 1}: {hints[at]}")
        return True

    # -- the page ----------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What the page shows, as JSON can write it."""
        return {
            "exercises": [one.title for one in EXERCISES],
            "students": [
                {
                    "name": clean(student.name),
                    "room": student.room,
                    "key": student.key,
                    "here": self.present(student),
                    "other_key": self.other_key(student),
                    "marks": {str(number): mark.value for number, mark in self.marks.get(student.name, {}).items()},
                    "hints": {str(number): count for number, count in self.hints.get(student.name, {}).items()},
                }
                for student in self.roster.students
            ],
        }
