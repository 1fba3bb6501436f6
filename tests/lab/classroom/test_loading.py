"""Programs as answers: the plugin in them, or a sentence with the line at fault."""

import pytest

from plytalk import Attack, Takeover
from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.loading import plugin_in, said

PROGRAM = """
from plytalk import Takeover, hookimpl
class Mine(Takeover):
    name = "mine"
    async def take_over(self, interceptor): ...
    def succeeded(self, evidence): return True
@hookimpl
def attacks(): return [Mine]
"""


def test_the_class_that_the_hook_gives_is_found() -> None:
    found = plugin_in(PROGRAM, "attacks", Attack)
    assert issubclass(found, Takeover)
    assert found.name == "mine"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("x = (", r"SyntaxError"),
        ("\n1 / 0", r"ZeroDivisionError: division by zero \(line 2\)"),
        ("x = 1", "KeyError: 'attacks'"),
        ("attacks = 3", "TypeError"),
        ("def attacks(): return []", "ValueError"),
        ("def attacks(): return [1]", "other than one Attack"),
        ("def attacks(): return [int]", "other than one Attack"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
    ],
)
def test_what_is_none_is_told_where(program: str, why: str) -> None:
    with pytest.raises(Usage, match=why):
        plugin_in(program, "attacks", Attack)


def test_an_error_without_words_is_told_by_its_name() -> None:
    assert said(KeyError()) == "KeyError"
