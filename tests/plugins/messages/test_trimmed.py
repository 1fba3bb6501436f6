"""Messages of demo01 and demo02."""

import pytest

from plytalk.plugins.messages.trimmed import Trimmed, layers
from plytalk.testing import check_messages


def test_it_passes_the_kit() -> None:
    check_messages(Trimmed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("hello", "hello"), ("  hello  ", "hello"), ("", None), (" \t ", None), (" a b ", "a b"), (" EXIT ", "EXIT")],
)
def test_a_line_is_trimmed_and_an_empty_one_is_not_said(typed: str, said: str | None) -> None:
    assert Trimmed(True).prepare(typed) == said


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Trimmed]
