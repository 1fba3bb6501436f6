"""The benchmark of the bot in a large room notices what should not happen. How fast anything is, no test says."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.bot_room import Asker, trial


async def test_the_bot_answers_each_question_once_around_a_cut() -> None:
    told = await trial(count=6, cuts=1, questions=2)
    assert told.startswith("6 members in ")
    assert "4 questions around 1 cuts, each answered once and in order" in told


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (["question 1", "question 1", "question 2"], "answered twice"),
        (["question 1"], "not answered: {'question 2'}"),
        (["question 2", "question 1"], "out of order"),
    ],
)
def test_an_answer_that_comes_twice_never_or_late_is_a_fault(said: list[str], fault: str) -> None:
    asker = Asker(None)  # type: ignore[arg-type]  # it is not asked
    asker.said = said
    with pytest.raises(AssertionError, match=fault):
        asker.check(["question 1", "question 2"])
