"""Reports, graded offline: each is verified, compared with the roster, and its answers are judged again."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.lab.classroom.exercise_book import NUMBERS, exercise, judge_answer
from plytalk.lab.classroom.roster import Roster
from plytalk.lab.classroom.separate_run import judge_apart
from plytalk.lab.classroom.signed_report import SignedReport, parse_report, read_report

MOST_REPORTS = 1000
"""How many reports are graded at one time."""
SUFFIX = ".report"


class AnswerMark(StrEnum):
    """What became of an answer, in the words of the table."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_RUN = "not run"
    """It is a program, and programs were not to be run."""
    NONE = ""


@dataclass(frozen=True)
class Graded:
    """A report after grading. `refused` says why it does not count; then there are no marks."""

    file: str
    name: str = ""
    key: str = ""
    refused: str = ""
    marks: dict[int, AnswerMark] = field(default_factory=dict)

    @property
    def right(self) -> int:
        return sum(mark is AnswerMark.RIGHT for mark in self.marks.values())


def report_files(given: Iterable[Path]) -> list[Path]:
    """The reports that were named, and those in the folders that were. Raises Usage."""
    files: list[Path] = []
    for path in given:
        files += sorted(path.glob(f"*{SUFFIX}")) if os.path.isdir(path) else [path]
    if not files:
        raise Usage(f"There is no report: no file ends with {SUFFIX}.", "Name the files.")
    if len(files) > MOST_REPORTS:
        raise Usage(f"At most {MOST_REPORTS:,} reports are graded at one time.", "Name fewer.")
    return files


def grade(
    files: Sequence[Path], roster: Roster | None, run_programs: bool, progress: Callable[[str], None] = lambda line: None
) -> list[Graded]:
    """What each report comes to, in the order of the files."""
    verified = list(without_doubles([verify_report(file, roster) for file in files]))
    graded = []
    for one, report in verified:
        if report:
            progress(f"grading {one.name} ...")
            one = replace(one, marks={number: judge(report, number, run_programs) for number in NUMBERS})
        graded.append(one)
    return graded


def verify_report(file: Path, roster: Roster | None) -> tuple[Graded, SignedReport | None]:
    """A report that is genuine and the student's, or why it is refused."""
    name = shorten(str(file))
    try:
        report = parse_report(read_report(file))
    except ChatError as error:
        return Graded(name, refused=error.sentence), None
    graded = Graded(name, report.name, report.key.fingerprint)
    if why := not_the_students(report, roster):
        return replace(graded, refused=why), None
    return graded, report


def not_the_students(report: SignedReport, roster: Roster | None) -> str:
    """Why the roster says that the key is not that of this student; empty where it is."""
    if roster is None:
        return ""
    student, owner = roster.find(report.name), roster.of_key(report.key.fingerprint)
    if owner and owner.name != report.name:
        return f"It names {report.name}, and its key is that of {owner.name}."
    if student is None:
        return f"{report.name} is not in the roster."
    if not student.key:
        return f"The roster has no key of {report.name}: ask the student, and add {report.key.fingerprint}."
    return "" if owner else f"The roster has another key of {report.name}: {student.key}."


Verified = tuple[Graded, SignedReport | None]
DIFFERS = "Another report has the same name or key, and differs: grade one of each student."


def without_doubles(verified: Sequence[Verified]) -> Iterator[Verified]:
    """Refuse copies of a report, and reports of one name or one key that differ: which of them the student meant is not known."""
    genuine = [report for _, report in verified if report]
    first: dict[str, str] = {}
    for graded, report in verified:
        if report is None:
            yield graded, None
        elif any(other != report and (other.name == report.name or other.key == report.key) for other in genuine):
            yield replace(graded, refused=DIFFERS), None
        elif report.name in first:
            yield replace(graded, refused=f"It is a copy of {first[report.name]}."), None
        else:
            first[report.name] = graded.file
            yield graded, report


def judge(report: SignedReport, number: int, run_programs: bool) -> AnswerMark:
    """What an answer of a report is worth."""
    answer = report.answers.get(number)
    if answer is None:
        return AnswerMark.NONE
    if exercise(number).is_program and not run_programs:
        return AnswerMark.NOT_RUN
    try:
        verdict = (judge_apart if exercise(number).is_program else judge_answer)(number, report.seed, answer)
    except ChatError:
        return AnswerMark.WRONG
    return AnswerMark.RIGHT if verdict.right else AnswerMark.WRONG


LETTERS = {AnswerMark.RIGHT: "+", AnswerMark.WRONG: "-", AnswerMark.NOT_RUN: "?", AnswerMark.NONE: "."}
LEGEND = "+: right.  -: wrong.  ?: a program, not run (--run-programs).  .: no answer."


def as_table(graded: Sequence[Graded]) -> str:
    """For a terminal: a line for each report that counts, and below them those that do not."""
    counted, refused = [one for one in graded if not one.refused], [one for one in graded if one.refused]
    width = max([len("name"), *(len(one.name) for one in counted)])
    lines = [f"{'name':<{width}}  {' '.join(map(str, NUMBERS))}  right  key"] if counted else []
    for one in counted:
        letters = " ".join(LETTERS[one.marks[number]] for number in NUMBERS)
        lines.append(f"{one.name:<{width}}  {letters}  {one.right:>5}  {one.key[:19]}...")
    lines += ["", LEGEND] if counted else []
    lines += ["", *(f"Refused: {one.file}. {one.refused}" for one in refused)] if refused else []
    return "\n".join(lines).strip("\n")


def as_csv(graded: Sequence[Graded]) -> str:
    """For a spreadsheet: a line for each report, refused or not (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "key", *(f"exercise {number}" for number in NUMBERS), "right", "refused", "file"])
    for one in graded:
        marks = [one.marks.get(number, AnswerMark.NONE).value for number in NUMBERS]
        writer.writerow(map(harmless, [one.name, one.key, *marks, str(one.right), one.refused, one.file]))
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (CWE-1236)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
