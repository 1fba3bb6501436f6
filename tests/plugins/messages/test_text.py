"""Messages of secure-chat."""

import pytest

from plytalk.core.contracts.items import Close
from plytalk.plugins.messages.text import Text, layers
from plytalk.testing import check_messages


def test_it_passes_the_kit() -> None:
    check_messages(Text)


@pytest.mark.parametrize("line", ["hello", "  hello  ", "", " ", "\t"])
def test_a_line_is_said_as_it_was_typed_an_empty_one_too(line: str) -> None:
    messages = Text(True)
    assert messages.prepare(line) == line
    assert [*messages.unpack(*messages.pack([line]))] == [line]


def test_exit_is_sent_as_it_was_typed() -> None:
    assert [*Text(True).pack([Close(" Exit")])] == [b" Exit"]


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Text]
