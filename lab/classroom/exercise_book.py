"""The eight exercises by their numbers, and their worksheets."""

from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises import (
    cipher_mending,
    key_pinning,
    later_reading,
    man_between,
    order_replaying,
    reply_forging,
    whole_frames,
    wire_reading,
)
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files, checked_answer

EXERCISES: tuple[Exercise, ...] = (
    wire_reading.EXERCISE,
    reply_forging.EXERCISE,
    man_between.EXERCISE,
    order_replaying.EXERCISE,
    whole_frames.EXERCISE,
    cipher_mending.EXERCISE,
    key_pinning.EXERCISE,
    later_reading.EXERCISE,
)
NUMBERS = range(1, len(EXERCISES) + 1)
WORKSHEETS = Path(__file__).with_name("worksheets")


def exercise(number: int) -> Exercise:
    """The exercise of this number, from 1. Raises Usage."""
    if number not in NUMBERS:
        raise Usage(f"There is no exercise {number}.", f"They are numbered from 1 to {len(EXERCISES)}.")
    return EXERCISES[number - 1]


def worksheet(number: int) -> str:
    """What the student reads, in Markdown. Raises Usage."""
    exercise(number)
    [page] = WORKSHEETS.glob(f"{number}-*.md")
    return page.read_text(encoding="utf-8")


def files(number: int, seed: str) -> Files:
    """The files of an exercise for the student with this seed. Raises Usage."""
    return exercise(number).make(Draw(number, seed))


def judge_answer(number: int, seed: str, answer: str) -> AnswerVerdict:
    """Whether an answer is right for the student with this seed; a program is run in this process. Raises Usage."""
    return exercise(number).check(Draw(number, seed), checked_answer(answer.encode(errors="surrogatepass")))
