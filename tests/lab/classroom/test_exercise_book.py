"""The eight exercises: a student's solution is right, and nothing passes untouched, or under another student's seed."""

import random
from pathlib import Path

import pytest
from solving import SOLUTIONS

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom import exercise_book as book

DOCS = Path(__file__).resolve().parents[3] / "docs" / "lab"
SEEDS = ("SHA256:mFZ2WrW9jenKKQcxO2Fadffjd2f+kgDpD/yxHpkPHoY", "erin", "สวัสดี")


def is_right(number: int, answer: str) -> bool:
    """Whether an answer is right; one that cannot be an answer is not."""
    try:
        return book.judge_answer(number, "erin", answer).right
    except Usage:
        return False


def solved(number: int, seed: str) -> str:
    return SOLUTIONS[number](book.files(number, seed))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("number", book.NUMBERS)
def test_what_a_student_makes_of_the_files_is_right(number: int, seed: str) -> None:
    verdict = book.judge_answer(number, seed, solved(number, seed))
    assert verdict.right, verdict.why


@pytest.mark.parametrize("number", book.NUMBERS)
def test_the_same_answer_is_wrong_for_another_student(number: int) -> None:
    answers = {seed: solved(number, seed) for seed in SEEDS}
    assert len(set(answers.values())) == len(SEEDS)
    for seed, answer in answers.items():
        for other in set(SEEDS) - {seed}:
            assert not book.judge_answer(number, other, answer).right


@pytest.mark.parametrize("seed", [*map(str, range(8))])
@pytest.mark.parametrize("number", [number for number in book.NUMBERS if book.exercise(number).answer_file])
def test_the_files_are_no_answer_as_they_are_made(number: int, seed: str) -> None:
    made = book.files(number, seed)
    verdict = book.judge_answer(number, seed, made[book.exercise(number).answer_file].decode())
    assert not verdict.right
    assert verdict.why


@pytest.mark.parametrize("number", book.NUMBERS)
def test_no_file_that_is_made_is_an_answer(number: int) -> None:
    for content in book.files(number, "erin").values():
        assert not is_right(number, content.decode())


@pytest.mark.parametrize("number", book.NUMBERS)
@pytest.mark.parametrize("answer", ["", " \n", "\ud800", "x" * 40_000, "\0", "A:\nB:\nC:\n", "raise SystemExit", "while", "# x"])
def test_what_cannot_be_an_answer_is_refused_or_wrong(number: int, answer: str) -> None:
    assert not is_right(number, answer)


ODD = ("\0", "\u202e", "\x1b[31m", "é", "A:\n", "ff" * 500, "@revoked", "*", "\r", "#", "٣", "\ufeff")


@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_a_changed_answer_is_judged_without_a_fault(number: int) -> None:
    """Reports come from students, who may put anything into them: no answer may break the program that grades all."""
    draw, right = random.Random(number), solved(number, "erin")
    for _ in range(100):
        at, to = sorted(draw.choices(range(len(right) + 1), k=2))
        middle = draw.choice([draw.choice(ODD), "", right[at:to] * 2, right[at:to][::-1]])
        assert is_right(number, right[:at] + middle + right[to:]) in {True, False}


def test_each_exercise_has_its_worksheet() -> None:
    for number, one in enumerate(book.EXERCISES, 1):
        worksheet = book.worksheet(number)
        assert worksheet.startswith(f"# {number}. {one.title}\n")
        assert "**Your task.**" in worksheet
        assert "**What you should see.**" in worksheet
        assert not one.answer_file or f"chat lab exercise {number} --check" in worksheet
        assert all(name in worksheet for name in book.files(number, "erin"))


def test_the_worksheets_are_pages_of_the_docs() -> None:
    assert sorted(page.name for page in book.WORKSHEETS.iterdir()) == sorted(page.name for page in DOCS.glob("[1-8]-*.md"))
    assert all(page.read_text() == (DOCS / page.name).read_text() for page in book.WORKSHEETS.iterdir())


@pytest.mark.parametrize("number", [0, 9, -1])
def test_there_are_eight(number: int) -> None:
    for look in (book.exercise, book.worksheet, lambda one: book.files(one, "erin")):
        with pytest.raises(Usage, match="There is no exercise"):
            look(number)
