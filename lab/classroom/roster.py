"""The roster of a class: a line for each student, a name and, once it is known, the fingerprint of the student's key.

    # 4b, Tuesday
    erin   SHA256:WFrQw5tSDR2Q7m0mP7ctBiPRZ4/XskXlWH4Kk1SFXbs
    frank

A name without a fingerprint takes that of the first key that comes to the class under it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.public_key import parse_fingerprint
from plytalk.core.contracts.sanitise import shorten
from plytalk.plugins.rooms.member_names import alike, new_name, room_name
from plytalk.trust.files import edited_lines, read_lines

MOST_STUDENTS = 90
"""How many students a class may have: each has a room, and a server has a hundred."""
MAX_ROSTER = 64 * KIB
"""The largest roster, in bytes."""


@dataclass(frozen=True)
class Student:
    """A student: `key` is the fingerprint of the key, empty where it is not known yet."""

    name: str
    key: str
    room: str


class Roster:
    """The students by their names."""

    def __init__(self, students: list[Student]) -> None:
        self.students = students
        self._by_name = {student.name: student for student in students}

    def find(self, name: str) -> Student | None:
        return self._by_name.get(name)

    def of_key(self, fingerprint: str) -> Student | None:
        """The student to whom this key belongs."""
        return next((student for student in self.students if student.key == fingerprint), None)


def read_roster(path: Path) -> Roster:
    """The roster in a file. Raises Usage, naming the line at fault, and StoreError."""
    lines = read_lines(path)
    if lines is None:
        raise Usage(f"There is no roster {shorten(str(path))}.", "Write the names of your students, one on each line.")
    return parse_roster(lines)


def parse_roster(lines: Sequence[str]) -> Roster:
    """The roster in these lines. Raises Usage, naming the line at fault."""
    if sum(map(len, lines)) > MAX_ROSTER:
        raise Usage(f"The roster has more than {MAX_ROSTER:,} bytes.", "Is it the right file?")
    students: list[Student] = []
    for number, line in enumerate(lines, 1):
        try:
            students += student_in(line, len(students) + 1, students)
        except ChatError as error:
            raise Usage(f"Line {number} of the roster: {error.sentence}") from None
    if not students:
        raise Usage("The roster names nobody.", "Write the names of your students, one on each line.")
    return Roster(students)


def student_in(line: str, number: int, before: list[Student]) -> Iterator[Student]:
    """The student in a line, if there is one. Raises Usage, BadName."""
    words = line.split("#")[0].split()
    if not words:
        return
    if len(words) > 2:
        raise Usage("A line is a name and, if it is known, a fingerprint.", "A name is one word, such as alice-b.")
    name, key = new_name(words[0]), words[1] if words[1:] else ""
    if name != words[0]:
        raise Usage(f"The name {shorten(words[0])} is written {name}.", "Write it like that.")
    if key:
        try:
            parse_fingerprint(key)
        except ValueError as error:
            raise Usage(f"{shorten(key)} is not a fingerprint: {error}.") from None
    for other in before:
        if alike(other.name, name):
            raise Usage(f"{name} and {other.name} look alike, or are one name.", "Change one of them, for example to erin-b.")
        if key and other.key == key:
            raise Usage(f"{name} and {other.name} have the same key.")
    if len(before) >= MOST_STUDENTS:
        raise Usage(f"A class has at most {MOST_STUDENTS} students.")
    yield Student(name, key, room_of(name, number))


def room_of(name: str, number: int) -> str:
    """A name for the student's room: the student's, where a room can have that."""
    try:
        return room_name(name)
    except Usage:
        return f"student-{number}"


def bind_key(path: Path, name: str, fingerprint: str) -> Roster:
    """Note in the file whose key this is, where the name has none yet, and give the new roster. Raises Usage, StoreError."""
    with edited_lines(path) as lines:
        for number, line in enumerate(lines):
            words, hash_, comment = line.partition("#")
            if words.split() == [name]:
                lines[number] = f"{words.rstrip()} {fingerprint}{hash_ and f'  {hash_}{comment}'}"
        return parse_roster(lines)  # before they are written
