"""Tampering: what comes of it does not hang on which bit was drawn, where a program goes on after a frame that it refuses."""

import pytest
from verdicts.stacks import stack_named

from plytalk.core.contracts.attack import Outcome
from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks.matrix import measure
from plytalk.plugins.attacks.tampering import Tamper


@pytest.mark.parametrize(("stack", "outcome"), [("secure-chat", Outcome.HELD), ("demo01", Outcome.BROKEN)])
def test_a_bit_of_each_byte_is_flipped_once(stack: str, outcome: Outcome) -> None:
    *_, cell = measure([stack_named(stack)], [Tamper], [3])
    assert cell.measured is outcome
    assert cell.record
    index = int(cell.log[0].partition("frame ")[2].partition(",")[0])
    frame = next(one for one in cell.record.frames if one.is_message_from(Role.INITIATOR) and one.index == index)
    sent = [step.data for step in cell.record.interceptor.narrative if "was sent this by the attacker" in step.sentence]
    changed = [[at for at, (one, other) in enumerate(zip(data, frame.payload, strict=True)) if one != other] for data in sent]
    assert sorted(changed) == [[at] for at in range(len(frame.payload))]
