"""Callers who say that they come from elsewhere: what the server's end of a WebSocket makes of it."""

import pytest
from verdicts.stacks import stack_named

from plytalk.core.contracts.attack import Outcome
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import measure
from plytalk.plugins.attacks.web_callers import FORGED, LOCAL, PROXY, SERVER, STRANGER, asked

BY_WEB = "plytalk1 --transport ws"


@pytest.mark.parametrize(("attack", "attempts"), [("forged-source", 4), ("other-origin", 4)])
def test_no_caller_is_believed(attack: str, attempts: int) -> None:
    registry = Registry()
    [_, cell] = measure([stack_named(BY_WEB, registry)], [registry.attack(attack)])
    assert (cell.predicted, cell.measured) == (Outcome.HELD, Outcome.HELD)
    assert len(cell.log) == attempts


@pytest.mark.parametrize("attack", ["forged-source", "other-origin"])
def test_a_stack_without_a_web_server_has_nothing_that_they_are_about(attack: str) -> None:
    registry = Registry()
    [_, cell] = measure([stack_named("plytalk1", registry)], [registry.attack(attack)])
    assert cell.measured is Outcome.NOT_APPLICABLE


async def test_the_named_proxy_is_believed_and_a_page_of_the_server_comes_in() -> None:
    assert await asked(PROXY, X_Forwarded_For=STRANGER) == (True, f"{STRANGER}:4000")
    assert await asked(STRANGER, X_Forwarded_For=FORGED) == (True, f"{STRANGER}:4000")
    assert (await asked(STRANGER, Origin=f"http://{LOCAL}:8080", Host=f"{LOCAL}:8080"))[0]
    assert not (await asked(STRANGER, Origin=f"http://{SERVER}", Host=SERVER))[0]
