"""Every limit has a name, a unit and a use."""

import inspect
import re
from pathlib import Path

import pytest

from plytalk.core.contracts import limits
from plytalk.core.contracts.limits import Limits, too_long

CORE = Path(limits.__file__).parents[1]
NAMES = Limits.__struct_fields__


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_says_what_it_limits(name: str) -> None:
    assert re.search(rf'^    {name}: (int|float) = .*\n    """[A-Z]', inspect.getsource(Limits), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_is_used_somewhere(name: str) -> None:
    used = re.compile(rf"limits\.{name}\b")
    assert any(used.search(file.read_text()) for file in CORE.rglob("*.py") if file.name != "limits.py")


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_lets_something_through(name: str) -> None:
    assert getattr(Limits(), name) > 0


@pytest.mark.parametrize(("text", "fits"), [("x" * 8, True), ("é" * 4, True), ("é" * 4 + "x", False), ("\ud800" * 8, True)])
def test_the_length_of_a_text_is_that_of_its_bytes(text: str, fits: bool) -> None:
    assert bool(too_long(text, 8)) is not fits
