"""What a relay does with conversations, measured on the stacks that go through one."""

import pytest
from verdicts.stacks import stack_named

from plytalk.core.contracts.attack import Outcome
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.plugins.attacks.relaying import attacks

RELAYED, LISTED, OLD = "plytalk1 --transport relay", "plytalk1 --allow FILE --transport relay", "demo02 --transport relay"
HELD, BROKEN = Outcome.HELD, Outcome.BROKEN


def cell(stack: str, attack: str) -> Cell:
    registry = Registry()
    return list(measure([stack_named(stack, registry)], [registry.attack(attack)]))[1]


@pytest.mark.parametrize(
    ("attack", "relayed", "old"),
    [
        ("relay-hands-on", HELD, BROKEN),
        ("relay-swaps-tickets", BROKEN, BROKEN),
        ("relay-cuts", HELD, BROKEN),
        ("relay-replays", HELD, BROKEN),
    ],
)
def test_the_default_holds_what_it_promises_and_an_old_stack_does_not(attack: str, relayed: Outcome, old: Outcome) -> None:
    for stack, outcome in ((RELAYED, relayed), (OLD, old)):
        found = cell(stack, attack)
        assert (found.predicted, found.measured) == (outcome, outcome), found.log
        assert found.log


def test_a_list_at_the_server_keeps_the_relay_s_own_callers_out() -> None:
    assert cell(LISTED, "relay-swaps-tickets").measured is HELD


@pytest.mark.parametrize("attack", [attack.name for attack in attacks()])
def test_a_stack_without_a_relay_has_nothing_that_they_are_about(attack: str) -> None:
    assert cell("plytalk1", attack).measured is Outcome.NOT_APPLICABLE


def test_the_relay_is_in_between_from_the_first_byte_and_honest_conversations_go_through_it() -> None:
    [control] = measure([stack_named(RELAYED)], [])
    assert control.measured is HELD
    assert control.record is not None
    assert control.record.frames
