"""A command as a feature writes it: three words and a function, held to what a `Call` offers."""

import inspect

import pytest

from plytalk.core.contracts.commands import Call, Command
from plytalk.core.contracts.feature import Feature
from plytalk.plugins.rooms.typed_command import TypedCommand


def test_a_command_is_a_name_a_sentence_and_a_function() -> None:
    command = Command("roll", "Roll the dice.", print)
    assert (command.name, command.help, command.run, command.operators) == ("roll", "Roll the dice.", print, False)
    with pytest.raises(AttributeError):
        command.name = "ban"  # type: ignore[misc]
    assert Feature.commands == ()


def test_what_commands_are_called_with_is_all_that_is_promised() -> None:
    promised = {name for name in (*vars(Call), *Call.__annotations__) if not name.startswith("_")}
    assert promised == {"sender", "rest", "room", "is_operator", "tell", "answer", "tell_all", "publish"}
    for name in ("tell", "answer", "tell_all", "publish"):
        assert list(inspect.signature(getattr(TypedCommand, name)).parameters) == list(
            inspect.signature(getattr(Call, name)).parameters
        )
