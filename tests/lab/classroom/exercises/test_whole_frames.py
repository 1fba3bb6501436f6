"""Exercise 5: three sequences of genuine frames, each judged by what a real server's user reads."""

import pytest
from solving import arrange_frames

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.whole_frames import PARTS, check, client_said, make, parts_of, server_said, wanted

DRAW = Draw(5, "erin")
SOLUTION = arrange_frames(make(DRAW))


def test_each_part_is_judged() -> None:
    assert check(DRAW, SOLUTION).right
    parts = parts_of(SOLUTION)
    for spoiled in PARTS:
        honest = parts_of(make(DRAW)["answer.txt"].decode())[spoiled]
        answer = "".join(f"{part}:\n{(honest if part == spoiled else parts[part]).strip()}\n" for part in PARTS)
        assert check(DRAW, answer).why.startswith(f"{spoiled}: the server's user read")


def test_a_frame_that_was_changed_is_noticed() -> None:
    line = SOLUTION.splitlines()[1]
    assert "A: the server noticed" in check(DRAW, SOLUTION.replace(line, line[:-1] + ("0" if line[-1] != "0" else "1"), 1)).why


@pytest.mark.parametrize("answer", ["", "A:\n00\n", "A:\nB:\nA:\n", "B:\nA:\nC:\n", "A:\nB:\nC:\nA:\n", "a:\nb:\nc:\n"])
def test_an_answer_has_three_parts(answer: str) -> None:
    with pytest.raises(Usage, match="three parts"):
        check(DRAW, answer)


def test_for_every_student_the_versions_differ_from_what_was_said() -> None:
    for seed in map(str, range(200)):
        draw = Draw(5, seed)
        lines = [*client_said(draw), *server_said(draw)]
        assert len(set(lines)) == len(lines)
        assert all(version != client_said(draw) for version in wanted(draw).values())
