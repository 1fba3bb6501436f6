import json
from pathlib import Path

import pytest
from plytalk_feature_dice import Dice, roll

from plytalk import Usage
from plytalk.testing import check_entry_points, check_layer


class Thrown:
    """A use of /roll by alice; what comes of it is kept."""

    sender, room, is_operator = "alice", "lobby", False

    def __init__(self, rest: str) -> None:
        self.rest = rest
        self.events: list[tuple[str, str, str]] = []

    def tell(self, sentence: str) -> None:
        raise AssertionError(sentence)

    def tell_all(self, text: str) -> None:
        raise AssertionError(text)

    def publish(self, kind: str, body: str, text: str) -> None:
        self.events.append((kind, body, text))


def throw(rest: str) -> tuple[list[int], str]:
    thrown = Thrown(rest)
    roll(thrown)
    [(kind, body, text)] = thrown.events
    assert kind == "dice"
    return json.loads(body)["faces"], text


def test_it_keeps_its_contract() -> None:
    check_layer(Dice)


def test_two_dice_with_their_sum() -> None:
    faces, text = throw("2d6")
    assert text == f"alice rolls 2d6: {faces[0]} + {faces[1]} = {sum(faces)}"


def test_one_die_where_nothing_is_said() -> None:
    faces, text = throw("")
    assert text == f"alice rolls 1d6: {faces[0]}"


def test_every_side_comes_up_and_no_other() -> None:
    assert {face for _ in range(40) for face in throw("99d6")[0]} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("rest", ["six", "0d6", "2d1", "100d6", "2d1000", "2d6 and more", "2d٦"])
def test_what_is_no_throw_is_told_to_its_thrower_alone(rest: str) -> None:
    with pytest.raises(Usage) as error:
        roll(Thrown(rest))
    assert "/roll 2d6" in error.value.sentence


def test_plytalk_finds_it_by_its_entry_point() -> None:
    check_entry_points(Path(__file__).parents[1] / "pyproject.toml", Dice)
