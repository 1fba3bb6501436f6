"""No layer is blamed when the system has run out of something, wherever the error appears."""

import errno

import pytest

from plytalk.core.contracts.blame import blame, blame_hook, blame_one
from plytalk.core.contracts.errors import Exit, Shortage
from plytalk.core.contracts.shortage import NO_THREAD, shortage
from plytalk.core.endpoints.loop_faults import sentence_of
from plytalk.core.registry import hookspecs
from plytalk.testing import PlainFrames

SHORT = [
    (OSError(errno.EMFILE, "-"), "Too many files are open."),
    (OSError(errno.ENFILE, "-"), "Too many files are open."),
    (OSError(errno.ENOMEM, "-"), "The system has no memory left for this program."),
    (OSError(errno.ENOBUFS, "-"), "The system has no memory left for this program."),
    (RuntimeError(NO_THREAD), "The system lets this program start no more threads."),
]


class Greedy(PlainFrames):
    """A framer that asks the system for something."""

    name = "greedy"
    error: Exception = OSError()

    def encode(self, kind, payload):
        raise self.error


@pytest.mark.parametrize(("error", "said"), SHORT)
def test_a_layer_that_gets_no_more_of_something_is_not_to_blame(error: Exception, said: str) -> None:
    greedy = Greedy()
    greedy.error = error
    with pytest.raises(type(error)) as raised:
        greedy.encode(None, b"")
    for found in (
        blame(raised.value, [greedy]),
        blame_one(raised.value, greedy),
        blame_hook(error, "reread", [], hookspecs.reread),
    ):
        assert isinstance(found, Shortage)
        assert str(found) == said
        assert found.hint
        assert found.exit_code is Exit.FAILED


def test_other_errors_of_the_system_are_as_before() -> None:
    others = (OSError(errno.EACCES, "-"), OSError(), RuntimeError("a bug"), MemoryError(), KeyError(NO_THREAD), None)
    assert [shortage(error) for error in others] == [None] * len(others)


def test_in_an_event_loop_a_thread_that_cannot_be_started_is_told_in_words() -> None:
    said = sentence_of("Task exception was never retrieved", RuntimeError(NO_THREAD))
    assert said.startswith("Task exception was never retrieved: The system lets this program start no more threads.")
