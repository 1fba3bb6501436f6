"""Grading: genuine reports get marks; copies, forgeries, swapped names and answers of others do not."""

import csv
import io
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from solving import SOLUTIONS

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom import exercise_book as book
from plytalk.lab.classroom.grading import AnswerMark, Graded, as_csv, as_table, grade, report_files, verify_report
from plytalk.lab.classroom.roster import Roster, Student
from plytalk.lab.classroom.signed_report import sign
from plytalk.trust.identity import OwnIdentity, create

NAMES = ("erin", "frank", "gina")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OwnIdentity]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: create(folder / name) for name in NAMES}


@pytest.fixture(scope="module")
def answers(keys: dict[str, OwnIdentity]) -> dict[str, dict[int, str]]:
    """What each of them made of the files that are theirs."""
    return {
        name: {number: SOLUTIONS[number](book.files(number, key.fingerprint)) for number in book.NUMBERS}
        for name, key in keys.items()
    }


@pytest.fixture(scope="module")
def roster(keys: dict[str, OwnIdentity]) -> Roster:
    return Roster([Student(name, key.fingerprint, name) for name, key in keys.items()])


def written(folder: Path, reports: Mapping[str, bytes]) -> list[Path]:
    for name, content in reports.items():
        (folder / f"{name}.report").write_bytes(content)
    return [folder / f"{name}.report" for name in reports]


def test_right_answers_are_right_and_programs_run_where_that_is_wanted(tmp_path, keys, answers, roster) -> None:
    files = written(tmp_path, {name: sign(name, answers[name], keys[name]) for name in NAMES[:2]})
    for one in grade(files, roster, run_programs=True):
        assert one.marks == dict.fromkeys(book.NUMBERS, AnswerMark.RIGHT)
        assert one.right == 8
    [one, _] = grade(files, roster, run_programs=False)
    assert [number for number, mark in one.marks.items() if mark is AnswerMark.NOT_RUN] == [3, 6]
    assert one.right == 6


def test_answers_of_another_are_wrong_under_ones_own_name(tmp_path, keys, answers, roster) -> None:
    files = written(tmp_path, {"copied": sign("frank", answers["erin"], keys["frank"])})
    [one] = grade(files, roster, run_programs=True)
    assert one.marks == dict.fromkeys(book.NUMBERS, AnswerMark.WRONG)


def test_what_is_missing_and_what_is_no_answer_have_marks_too(tmp_path, keys, roster) -> None:
    files = written(tmp_path, {"erin": sign("erin", {2: "no frame", 5: "A:\n"}, keys["erin"])})
    [one] = grade(files, roster, run_programs=False)
    assert {number for number, mark in one.marks.items() if mark is AnswerMark.WRONG} == {2, 5}
    assert [one.marks[number] for number in (1, 3)] == [AnswerMark.NONE, AnswerMark.NONE]


def test_names_and_keys_have_to_belong_together(tmp_path, keys, answers, roster) -> None:
    erin, some = keys["erin"], {1: answers["erin"][1]}
    stranger = create(tmp_path / "stranger")
    half = Roster([Student("erin", "", "erin"), Student("frank", keys["frank"].fingerprint, "frank")])
    for name, key, against, why in (
        ("frank", erin, roster, "its key is that of erin"),
        ("henry", erin, roster, "its key is that of erin"),
        ("henry", stranger, roster, "not in the roster"),
        ("erin", stranger, roster, "another key of erin"),
        ("erin", erin, half, f"add {erin.fingerprint}"),
        ("erin", keys["frank"], half, "its key is that of frank"),
    ):
        [file] = written(tmp_path, {"one": sign(name, some, key)})
        [one] = grade([file], against, run_programs=False)
        assert why in one.refused
        assert one.marks == {}


def test_copies_and_second_reports_are_refused(tmp_path, keys, answers) -> None:
    erin, frank = keys["erin"], keys["frank"]
    one, two = sign("erin", {1: "a b"}, erin), sign("erin", {1: "c d"}, erin)
    first, again = grade(written(tmp_path, {"1": one, "2": one}), None, run_programs=False)
    assert not first.refused
    assert again.refused == f"It is a copy of {first.file}."
    for reports in (
        {"1": one, "2": two},
        {"1": one, "2": sign("erin", {1: "a b"}, frank)},
        {"1": one, "2": sign("frank", {1: "a b"}, erin)},
    ):
        assert all("differs" in one.refused for one in grade(written(tmp_path, reports), None, run_programs=False))


def test_a_forger_with_another_key_does_not_push_out_the_student(tmp_path, keys, answers, roster) -> None:
    stranger = create(tmp_path / "stranger")
    files = written(tmp_path, {"0": sign("erin", {1: "a b"}, stranger), "1": sign("erin", answers["erin"], keys["erin"])})
    forged, genuine = grade(files, roster, run_programs=False)
    assert forged.refused
    assert genuine.right == 6


def test_of_a_thousand_changed_and_forged_reports_none_is_taken(tmp_path, keys, answers, roster) -> None:
    """Edited bytes, names swapped by students who sign with their own keys, and answers that were made for other seeds."""
    draw, taken = random.Random(3), 0
    genuine = {name: sign(name, {1: answers[name][1]}, keys[name]) for name in NAMES}
    file = tmp_path / "one.report"
    for _ in range(1000):
        name, other = draw.sample(NAMES, 2)
        kind = draw.randrange(3)
        if kind == 0:
            content = bytearray(genuine[name])
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content = sign(other, {1: answers[draw.choice(NAMES)][1]}, keys[name])
        else:
            content = sign(name, {1: answers[other][1]}, keys[name])
        file.write_bytes(content)
        [one] = grade([file], roster, run_programs=False)
        taken += one.right
        assert bool(one.refused) is (kind != 2)
    assert taken == 0


def test_files_are_named_or_found_in_folders(tmp_path) -> None:
    files = written(tmp_path, {"b": b"", "a": b""})
    (tmp_path / "notes.txt").write_text("")
    assert report_files([tmp_path]) == sorted(files)
    assert report_files([files[0], tmp_path / "none"]) == [files[0], tmp_path / "none"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(Usage, match="no report"):
        report_files([tmp_path / "empty"])
    with pytest.raises(Usage, match=r"At most 1,000"):
        report_files([files[0]] * 1001)
    graded, report = verify_report(tmp_path / "none", None)
    assert "No such file" in graded.refused
    assert report is None


def test_the_table_and_the_lines_for_a_spreadsheet() -> None:
    good = Graded(
        "erin.report", "erin", "SHA256:" + "x" * 43, marks={1: AnswerMark.RIGHT, 2: AnswerMark.WRONG, 3: AnswerMark.NOT_RUN}
    )
    good.marks.update(dict.fromkeys(range(4, 9), AnswerMark.NONE))
    bad = Graded("=cmd|'/c calc'!A1", refused="It is not a report.")
    table = as_table([good, bad]).splitlines()
    assert table[1].startswith("erin  + - ? . . . . .      1  SHA256:xxxx")
    assert table[-1] == "Refused: =cmd|'/c calc'!A1. It is not a report."
    assert max(map(len, table)) <= 80
    rows = list(csv.reader(io.StringIO(as_csv([good, bad]))))
    assert rows[1][:6] == ["erin", good.key, "right", "wrong", "not run", ""]
    assert rows[1][10] == "1"
    assert rows[2][11:] == ["It is not a report.", "'=cmd|'/c calc'!A1"]
    assert as_table([bad]).startswith("Refused")
