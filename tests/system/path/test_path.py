"""The way of one typed line: exactly these functions, in this order. A change of the path is a change of its transcript."""

import asyncio

import pytest
from golden import FOLDER, PATHS


@pytest.mark.parametrize("name", PATHS)
def test_a_line_enters_exactly_these_functions_in_this_order(name: str) -> None:
    assert asyncio.run(PATHS[name]()) == (FOLDER / f"{name}.txt").read_text().splitlines()
