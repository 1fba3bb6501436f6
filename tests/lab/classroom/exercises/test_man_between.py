"""Exercise 3: an attack counts if it rewrites that one line, and neither user notices."""

import pytest
from solving import stand_between

from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.man_between import check, make, meeting_places, script

DRAW = Draw(3, "erin")
SOLUTION = stand_between(make(DRAW))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("", ""), "Neither user noticed"),
        (("if item ==", "if item !="), "The server's user read"),
        (("else item", "else 'x'"), "The server's user read"),
        (("if item ==", "if 1 / 0 or item =="), "ZeroDivisionError: division by zero (line"),
        (("target.stream.finish()", "pass"), "Someone noticed"),
        (("await interceptor.impersonate_both()", "None, None"), "AttributeError"),
        (("await interceptor.impersonate_both()", "await interceptor.impersonate()"), "TypeError"),
    ],
)
def test_what_becomes_of_it(change: tuple[str, str], why: str) -> None:
    verdict = check(DRAW, SOLUTION.replace(*change))
    assert verdict.right is (change == ("", ""))
    assert why in verdict.why


def test_what_the_server_says_has_to_pass_as_it_is() -> None:
    answer = script(DRAW)[1][1]
    spoiled = SOLUTION.replace("else item", f"else 'no' if item == {answer!r} else item")
    assert "what the server says has to pass" in check(DRAW, spoiled).why


def test_the_places_differ() -> None:
    true, false = meeting_places(DRAW)
    assert true != false
