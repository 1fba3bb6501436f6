"""The story of a cell: 80 columns, each step with its bytes, and nothing that a terminal obeys."""

from verdicts.stacks import stack_named

from plytalk.cli.lab_story import WIDTH, as_story, step_lines
from plytalk.core.contracts.attack import Outcome
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.narrative import NarratedStep


def test_a_cell_is_told_from_the_first_frame_to_what_both_users_saw() -> None:
    host = Registry()
    told = as_story(list(measure([stack_named("demo01", host)], [host.attack("inject")])))
    lines = told.splitlines()
    assert lines[0] == "passive on demo01, seed 0: predicted held, measured held"
    assert lines[2] == "inject on demo01, seed 0: predicted broken, measured broken"
    assert lines[3:6] == [
        "   1  the client sent frame 0, 25 bytes",
        "      636c69656e74206c696e6520302063616e6172792d37663361",
        "      as text: client line 0 canary-7f3a",
    ]
    assert "      as text: send the money to Mallory" in lines
    assert "    | send the money to Mallory" in told
    assert max(map(len, lines)) <= WIDTH


def test_a_control_that_went_wrong_is_told() -> None:
    good, bad = (Cell("passive", "s", 0, Outcome.HELD, outcome, None, ("failed",)) for outcome in (Outcome.HELD, Outcome.ERROR))
    assert "failed" not in as_story([good])
    assert "failed" in as_story([bad])


def test_long_sentences_are_wrapped_and_bytes_are_shortened() -> None:
    lines = list(step_lines(7, NarratedStep("the attacker " + "did " * 40 + "\x1b[2J", b"\xff" * 500)))
    assert lines[0].startswith("   7  the attacker did")
    assert lines[-1] == "      " + "ff" * 32 + "..."
    assert "500 bytes" in " ".join(lines)
    assert max(map(len, lines)) <= WIDTH
    assert not any("\x1b" in line for line in lines)
