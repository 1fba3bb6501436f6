from random import Random

import pytest

from plytalk.core.contracts.peers import Role
from plytalk.lab.fuzz.mutations import MOST_BYTES, MOST_STEPS, OPERATIONS, Mutator, Recipe, Step
from plytalk.testing.parts import TypedFrames

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (Step("flip", 1, b"\0"), b"accd"),
        (Step("put", 2, b"XYZ"), b"abXYZ"),
        (Step("insert", 4, b"!"), b"abcd!"),
        (Step("remove", 1, b"??"), b"ad"),
        (Step("add", 0, b"\1"), b"bbcd"),
        (Step("add", 0, b"\xff"), b"`bcd"),
        (Step("add", 0, bytes(8)), b"abcd"),
        (Step("resize", 6), b"abcd\0\0"),
        (Step("resize", 2), b"ab"),
        (Step("truncate", 3), b"abc"),
        (Step("end with", 0, b"Z"), b"abcZ"),
        (Step("append", 0, b"Z"), b"abcdZ"),
        (Step("fill", 0, b"xy"), b"xyxy"),
        (Step("replace", 0, b"other"), b"other"),
        (Step("upper"), b"ABCD"),
        (Step("reverse"), b"dcba"),
    ],
    ids=str,
)
def test_each_step(step: Step, after: bytes) -> None:
    assert Recipe(CLIENT, 0, (step,)).apply(b"abcd") == after


def test_every_operation_takes_an_empty_payload() -> None:
    for operation in OPERATIONS:
        assert isinstance(Recipe(CLIENT, 0, (Step(operation, 5, b"\1\2"),)).apply(b""), bytes)


def test_a_recipe_changes_its_own_message_alone() -> None:
    recipe = Recipe(SERVER, 1, (Step("append", 0, b"!"),))
    framer = TypedFrames()
    assert recipe.edit(SERVER, 0, framer, b"M", b"hi") is None
    assert recipe.edit(CLIENT, 1, framer, b"M", b"hi") is None
    assert recipe.edit(SERVER, 1, framer, b"M", b"hi") == framer.encode(b"M", b"hi!")
    assert str(recipe) == "message 2 of the server: append 21"


def test_what_is_drawn_stays_within_limits() -> None:
    mutator = Mutator(Random(1), [(CLIENT, 0), (SERVER, 0)], [b"\x4d", b"magic"])
    mutator.recorded = [b"recorded before"]
    drawn = [mutator.draw() for _ in range(300)]
    mutator.corpus += drawn
    for _ in range(3000):
        recipe = mutator.draw()
        mutator.corpus.append(recipe)
        assert 1 <= len(recipe.steps) <= MOST_STEPS
        assert len(recipe.apply(b"abcd" * 20)) <= MOST_BYTES
        assert str(recipe)
    assert {step.operation for recipe in drawn for step in recipe.steps} == {*OPERATIONS}
    assert any(b"magic" in step.value for recipe in drawn for step in recipe.steps)
    assert any(step.operation == "resize" and step.place == 0x4D for recipe in mutator.corpus for step in recipe.steps)
