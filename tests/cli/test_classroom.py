"""`chat lab exercise`, `report` and `grade`, as a student and a teacher type them."""

from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, complaint
from solving import SOLUTIONS

from plytalk.lab.classroom.exercise_book import EXERCISES, exercise


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


def solved(number: int, folder: Path) -> str:
    """Solve it in its folder, and what the answer is then."""
    answer = SOLUTIONS[number]({file.name: file.read_bytes() for file in folder.iterdir()})
    if not exercise(number).answer_file:
        return answer
    (folder / exercise(number).answer_file).write_text(answer)
    return str(folder)


def test_a_student_makes_solves_and_reports_and_a_teacher_grades(tmp_path: Path, environment: dict[str, str]) -> None:
    first = chat("lab", "exercise", "1", "--make", "one", folder=tmp_path, environment=environment)
    assert "Created a new identity (SHA256:" in first.stderr
    fingerprint = first.stderr.partition("(")[2].partition(")")[0]
    assert "Made in one: wire.trace." in first.stderr
    for number in (2, 3):
        assert (
            chat("lab", "exercise", str(number), "--make", f"n{number}", folder=tmp_path, environment=environment).returncode == 0
        )
    untouched = chat("lab", "exercise", "2", "--check", "n2", folder=tmp_path, environment=environment)
    assert untouched.returncode == 1
    assert untouched.stdout.startswith("Not yet. ")
    for number, folder in ((1, "one"), (2, "n2"), (3, "n3")):
        answer = solved(number, tmp_path / folder)
        reported = ("--report", "erin.report", *(("--name", "erin") if number == 1 else ()))
        run = chat("lab", "exercise", str(number), "--check", answer, *reported, folder=tmp_path, environment=environment)
        assert run.stdout.startswith("Right. "), run
        assert run.returncode == 0
    assert "erin.report now has the answers of erin to 1, 2, 3." in run.stderr
    shown = chat("lab", "report", "erin.report", folder=tmp_path).stdout
    assert shown.splitlines() == [f"erin  {fingerprint}", *(f"{n}  {EXERCISES[n - 1].title}" for n in (1, 2, 3))]
    roster = tmp_path / "roster.txt"
    roster.write_text(f"erin {fingerprint}\n")
    roster.chmod(0o600)
    graded = chat("lab", "grade", ".", "--roster", "roster.txt", folder=tmp_path, environment=environment)
    assert graded.stdout.splitlines()[1].startswith("erin  + + ? . . . . .      2")
    assert graded.returncode == 0
    table = chat("lab", "grade", ".", "--csv", "--run-programs", folder=tmp_path, environment=environment)
    assert table.stdout.splitlines()[1].startswith(f"erin,{fingerprint},right,right,right,,,,,,3,")
    assert "nobody has checked which key belongs" in table.stderr
    (tmp_path / "erin.report").write_text((tmp_path / "erin.report").read_text().replace("erin", "frank"))
    forged = chat("lab", "grade", ".", "--roster", "roster.txt", folder=tmp_path)
    assert forged.returncode == 1
    assert "Refused: erin.report. Its signature is wrong" in forged.stdout


def test_exercises_are_listed_and_shown() -> None:
    assert chat("lab", "exercise").stdout.splitlines() == [f"{n}  {one.title}" for n, one in enumerate(EXERCISES, 1)]
    worksheet = chat("lab", "exercise", "4").stdout
    assert worksheet.startswith("4. Replay an order")
    assert "An answer is the folder with your frames in answer.txt, or that file" in worksheet


def test_a_seed_is_for_practice(tmp_path: Path) -> None:
    assert chat("lab", "exercise", "7", "--make", "pin", "--seed", "x", folder=tmp_path).returncode == 0
    answer = solved(7, tmp_path / "pin")
    assert chat("lab", "exercise", "7", "--check", answer, "--seed", "x").returncode == 0
    assert chat("lab", "exercise", "7", "--check", answer, "--seed", "y").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("exercise", "9"), "There is no exercise 9"),
        (("exercise", "--check", "onion curtain"), "Which exercise?"),
        (("exercise", "--make", "wire"), "Which exercise?"),
        (("exercise", "1", "--check", "x", "--seed", "s", "--report", "r"), "for your own key"),
        (("exercise", "1", "--report", "r"), "for your own key"),
        (("exercise", "2", "--check", "nothing-there", "--seed", "s"), "cannot be read"),
        (("exercise", "2", "--check", ".", "--seed", "s"), "cannot be read"),
        (("report", "nothing-there"), "cannot be read"),
        (("grade", "nothing-there", "--roster", "none"), "There is no roster"),
        (("grade", "."), "There is no report"),
        (("grade",), "Missing argument"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    run = chat("lab", *arguments, folder=tmp_path)
    assert run.returncode == 2
    assert why in complaint(run)


def test_the_handout_is_written(tmp_path: Path) -> None:
    run = chat("lab", "handout", "handout.html", folder=tmp_path)
    assert run.stderr == "Wrote handout.html.\n"
    assert (tmp_path / "handout.html").read_text().count("<section>") == len(EXERCISES)
    assert "neither with .pdf" in complaint(chat("lab", "handout", "handout.doc", folder=tmp_path))


def test_files_are_not_made_twice(tmp_path: Path) -> None:
    make = ("lab", "exercise", "2", "--make", "here", "--seed", "s")
    assert chat(*make, folder=tmp_path).returncode == 0
    again = chat(*make, folder=tmp_path)
    assert again.returncode == 1
    assert "exists already" in complaint(again)


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.report").write_text("hello")
    run = chat("lab", "report", "x.report", folder=tmp_path)
    assert run.returncode == 1
    assert "It is not a report" in complaint(run)


@pytest.mark.parametrize("arguments", [("exercise", "1", "--check", "x", "--name", "erin", "--report"), ("grade",), ("report",)])
def test_a_name_that_no_file_can_have_is_refused_in_words(
    arguments: tuple[str, ...], tmp_path: Path, environment: dict[str, str]
) -> None:
    run = chat("lab", *arguments, str(tmp_path / ("a" * 300)), environment=environment)
    assert run.returncode in (1, 2)
    assert "ile name too long" in run.stderr + run.stdout
    assert "Unexpected error" not in run.stderr
