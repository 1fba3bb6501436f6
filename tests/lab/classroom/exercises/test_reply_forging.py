"""Exercise 2: a frame counts if a real client shows its text, warns of nothing, and understands what follows."""

import pytest

from plytalk.core.contracts.peers import Role
from plytalk.lab.classroom.deliveries import FrameWriter, plaintext_stack
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.reply_forging import FRAMERS, check, said, wanted

SEEDS = {draw.one("framer", FRAMERS): draw for draw in (Draw(2, str(number)) for number in range(20))}


@pytest.mark.parametrize("framer", FRAMERS)
def test_the_frame_has_to_be_whole_and_to_carry_the_text(framer: str) -> None:
    draw = SEEDS[framer]
    writer = FrameWriter(plaintext_stack(framer, "text"), Role.RESPONDER)
    right = writer.frame(wanted(draw))
    assert check(draw, right.hex()).right
    assert check(draw, f"# mine\ns4 {right.hex()}\n").right
    header = len(right) - len(wanted(draw).encode())
    longer = (int.from_bytes(right[header - 2 : header]) + 1).to_bytes(2)
    for wrong in (
        wanted(draw).encode(),
        right[:-1],
        right + b"\0",
        right + right,
        right[: header - 2] + longer + right[header:],
        writer.frame(said(draw)[0]),
        writer.frame(wanted(Draw(2, "other"))),
        b"",
    ):
        assert not check(draw, f"s4 {wrong.hex()}" if wrong else "# nothing").right
