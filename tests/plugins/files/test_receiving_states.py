"""What is said of offers by their state."""

import pytest

from plytalk.plugins.files.file_items import FileFailure
from plytalk.plugins.files.receiving_states import GIVEN_UP, RUNNING, WHY, not_chosen


@pytest.mark.parametrize("state", [*RUNNING, *GIVEN_UP, "done", "withdrawn"])
def test_each_state_says_why_nothing_can_be_chosen_and_what_to_do(state: str) -> None:
    refused = not_chosen("film\x1b[2J.mkv", 3, state)
    assert refused.sentence.startswith("film")
    assert "\x1b" not in refused.sentence
    assert refused.hint


def test_each_failure_has_its_words_but_one_that_is_no_failure() -> None:
    assert {*FileFailure} - {*WHY} == {FileFailure.GONE}
