"""Each error has a sentence."""

import pytest

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.files import transfer_errors

ERRORS = [one for one in vars(transfer_errors).values() if isinstance(one, type) and one.__module__ == transfer_errors.__name__]


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.__name__)
def test_each_error_has_a_sentence(error: type[ChatError]) -> None:
    assert error().sentence.split(". ")[0].rstrip(".") == (error.__doc__ or "").split("\n")[0].rstrip(".")
