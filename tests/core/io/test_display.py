"""What a terminal can show, as the environment tells it."""

import os
import sys

import pytest

from plytalk.core.io.display import is_dumb, wants_colour

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="consoles of Windows need no TERM")


@pytest.mark.parametrize(
    ("environment", "dumb", "colour"),
    [
        ({"TERM": "xterm"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "Dumb"}, True, False),
        ({"TERM": "unknown"}, True, False),
        ({"TERM": ""}, True, False),
        ({}, True, False),
    ],
)
def test_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], dumb: bool, colour: bool
) -> None:
    monkeypatch.setattr(os, "environ", environment)
    assert is_dumb() is dumb
    assert wants_colour() is colour
