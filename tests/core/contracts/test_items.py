"""What can be said, and what ends a chat."""

import pytest

from plytalk.core.contracts.items import Close, is_exit


@pytest.mark.parametrize("line", ["exit", "EXIT", "Exit", "  exit", "exit\t", "\texit \r\n"])
def test_exit_ends_the_chat_trimmed_and_in_any_case(line: str) -> None:
    assert is_exit(line)


@pytest.mark.parametrize("line", ["", "exit!", "exits", "ex it", "let us exit", "'exit'", "exit" + " " * 64])
def test_anything_else_does_not(line: str) -> None:
    assert not is_exit(line)


def test_a_goodbye_says_exit_unless_something_else_was_typed() -> None:
    assert Close().text == "exit"
    assert Close(" EXIT ").text == " EXIT "
