"""What is said of a file that cannot be used, and that the program ends as for its own faults."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Exit, LocalError
from plytalk.trust.store_errors import Corrupt, Exposed, FileExists, FileInUse, StoreError, Unwritable


def test_a_line_that_is_not_understood_is_named_with_its_file_and_what_to_do() -> None:
    error = Corrupt(Path("/home/alice/known_hosts"), 3, "the key is cut off")
    assert str(error).startswith("/home/alice/known_hosts, line 3: the key is cut off.")
    assert "until line 3 is corrected or deleted" in error.hint
    assert (error.path, error.line) == (Path("/home/alice/known_hosts"), 3)


@pytest.mark.parametrize("error", [Exposed, FileExists, Unwritable, FileInUse, Corrupt])
def test_each_is_a_fault_on_this_side(error: type[StoreError]) -> None:
    assert issubclass(error, StoreError)
    assert issubclass(error, LocalError)
    assert error.exit_code is Exit.FAILED
