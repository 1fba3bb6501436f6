"""Reflecting: whatever a seed draws, there is something to send back, so that no outcome hangs on the draw."""

import pytest
from verdicts.stacks import stack_named

from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks.matrix import measure
from plytalk.plugins.attacks.reflecting import Splice


@pytest.mark.parametrize("seed", [43, 46, 49])
def test_the_first_frame_is_spliced_in_place_of_the_first_one(seed: int) -> None:
    """The server has no frame before its first."""
    *_, cell = measure([stack_named("secure-chat")], [Splice], [seed])
    assert cell.predicted is cell.measured
    assert cell.record
    assert cell.record.participants[Role.INITIATOR].shown.count(cell.record.participants[Role.INITIATOR].said[0]) == 1
