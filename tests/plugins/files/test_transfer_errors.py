"""Each error has a sentence."""

import pytest

from plytalk.core.contracts.errors import ChatError, Shortage, Usage
from plytalk.core.contracts.shortage import NO_THREAD
from plytalk.plugins.files import transfer_errors
from plytalk.plugins.files.transfer_errors import explained

ERRORS = [one for one in vars(transfer_errors).values() if isinstance(one, type) and one.__module__ == transfer_errors.__name__]


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.__name__)
def test_each_error_has_a_sentence(error: type[ChatError]) -> None:
    assert error().sentence.split(". ")[0].rstrip(".") == (error.__doc__ or "").split("\n")[0].rstrip(".")


def test_every_error_has_a_sentence_and_an_own_one_keeps_its_own() -> None:
    own = Usage("No.", "Yes.")
    assert explained(own) is own
    assert isinstance(explained(RuntimeError(NO_THREAD)), Shortage)
    assert explained(KeyError("a secret")).sentence.startswith("Unexpected error: KeyError. Run it as")
