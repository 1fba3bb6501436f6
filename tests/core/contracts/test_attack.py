"""What an attack states: its prediction, its random numbers, and what it does with a frame that it does not decide about."""

import pytest

from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Outcome
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.testing.endpoints import stack_of


class Nothing(Attack):
    """Does nothing.

    And says so.
    """

    name = "nothing"
    defences = {Property.BOUNDARIES, Property.KEYS}

    def succeeded(self, evidence: Evidence) -> bool:
        return False


def test_it_is_predicted_to_fail_where_all_its_defences_are_given_and_not_where_one_is_missing() -> None:
    stack = stack_of()
    assert Nothing.predict(stack) is Outcome.HELD

    class Stronger(Nothing):
        defences = {*Nothing.defences, Property.SECRECY}

    assert Stronger.predict(stack) is Outcome.BROKEN


def test_where_there_is_nothing_to_attack_no_prediction_is_made() -> None:
    class Particular(Nothing):
        @classmethod
        def applies(cls, stack: AttackedStack) -> bool:
            return [cipher.name for cipher in stack.classes["cipher"]] != ["test-unsealed"]

    assert Particular.predict(stack_of()) is Outcome.NOT_APPLICABLE


def test_the_same_seed_draws_the_same_and_another_one_others() -> None:
    drawn = [[Nothing(seed).random.random() for _ in range(3)] for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_attack_has_to_say_when_it_succeeded() -> None:
    with pytest.raises(TypeError, match="succeeded"):
        Attack()  # type: ignore[abstract]


def test_its_summary_is_the_first_line_of_its_docstring() -> None:
    assert Nothing.summary() == "Does nothing."


def test_a_message_is_a_frame_after_the_handshake() -> None:
    frames = [InterceptedFrame(Role.INITIATOR, 0, handshake, b"M", b"") for handshake in (True, False)]
    assert [frame.is_message_from(Role.INITIATOR) for frame in frames] == [False, True]
    assert not frames[1].is_message_from(Role.RESPONDER)
