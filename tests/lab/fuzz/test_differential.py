from collections.abc import Callable
from pathlib import Path

import pytest
from unseen import unseen

from plytalk import Handshake, HandshakeFailed
from plytalk.core.contracts.peers import Role
from plytalk.lab.fuzz.differential import Comparison, Difference, Differential

TRIMS = ('confirmed = await io.receive(b"F", limit=32)', 'confirmed = (await io.receive(b"F", limit=64))[:32]')
CRASHES = ('raise HandshakeFailed("The first message has the wrong length.")', "raise IndexError")
OTHER = ('CONTEXT = b"signed-dh 1"', 'CONTEXT = b"signed-dh 2"')


def up_to(attempts: int) -> Callable[[Comparison], bool]:
    return lambda comparison: comparison.attempts < attempts and not comparison.differences


def compared(one: type[Handshake], two: type[Handshake], attempts: int = 4000) -> list[Difference]:
    makes: dict[str, Callable[[Role], Handshake]] = {"one": lambda role: one(), "two": lambda role: two()}
    return Differential(makes).run(up_to(attempts)).differences


def test_two_that_are_alike_do_not_differ(tmp_path: Path) -> None:
    assert compared(unseen(tmp_path), unseen(tmp_path), 600) == []


def test_one_that_takes_more_than_the_other_differs(tmp_path: Path) -> None:
    [difference] = compared(unseen(tmp_path), unseen(tmp_path, *TRIMS))
    assert str(difference) == "As the server, one refuses, and two accepts."
    assert difference.change.startswith("message 2 of the client: ")


def test_one_that_crashes_differs(tmp_path: Path) -> None:
    [difference] = compared(unseen(tmp_path, *CRASHES), unseen(tmp_path))
    assert str(difference) == "As the server, one raises IndexError, and two refuses."


def test_two_protocols_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(HandshakeFailed, match="do not agree on keys"):
        compared(unseen(tmp_path), unseen(tmp_path, *OTHER))


def test_a_difference_is_told_once() -> None:
    comparison = Comparison()
    for change in ("one", "another"):
        comparison.add(Difference(Role.INITIATOR, {"a": "accepts", "b": "refuses"}, change))
    assert [one.change for one in comparison.differences] == ["one"]
