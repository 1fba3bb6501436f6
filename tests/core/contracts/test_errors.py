"""Errors: which side caused them, what the user reads, and how the command ends."""

import pytest

from plytalk.core.contracts import errors
from plytalk.core.contracts.errors import ChangedPeer, ChatError, Exit, LocalError, RemoteError, Truncated

ALL = sorted(
    (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ChatError)),
    key=lambda each: each.__name__,
)
CODES = {
    "Usage": 2,
    "NotDone": 1,
    "ImpossibleStack": 2,
    "CannotConnect": 3,
    "PluginError": 7,
    "UnknownLayer": 2,
    "DuplicateLayer": 7,
    "BrokenPlugin": 7,
    "Tampered": 1,
    "FrameTooLong": 1,
    "BadFrame": 1,
    "HandshakeFailed": 4,
    "TooSlow": 4,
    "Refused": 4,
    "UnknownPeer": 4,
    "ChangedPeer": 5,
    "StackMismatch": 6,
    "Truncated": 8,
    "NotReceived": 8,
    "Removed": 9,
}


@pytest.mark.parametrize("error", ALL, ids=lambda each: each.__name__)
def test_without_words_of_its_own_an_error_says_what_its_docstring_says(error: type[ChatError]) -> None:
    said = str(error())
    assert said
    assert said == " ".join((error.__doc__ or "").split("\n\n")[0].split())
    assert error().sentence.startswith(said)
    assert said.endswith(".")


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_each_ends_the_command_with_its_code(name: str, code: int) -> None:
    assert getattr(errors, name)().exit_code == code


def test_every_error_is_somebodys_fault_and_the_tree_names_it() -> None:
    for error in ALL:
        assert error.__name__ in (errors.__doc__ or ""), f"{error.__name__} is missing from the tree in core/contracts/errors.py"
        assert error is ChatError or issubclass(error, LocalError) != issubclass(error, RemoteError)


def test_the_sentence_says_what_to_do() -> None:
    assert LocalError("The port is in use.", "Choose another.").sentence == "The port is in use. Choose another."
    assert LocalError("It failed.").sentence == "It failed."
    assert Truncated("It was cut.").sentence == f"It was cut. {Truncated.hint}"


def test_what_a_peer_put_into_an_error_cannot_reach_the_terminal() -> None:
    error = ChangedPeer("The peer \x1b[2Jevil\r\n shows \u202eanother key.", "Look\x9b out.")
    assert error.sentence == "The peer ␛[2Jevil␍␊ shows \\u{202e}another key. Look\\x9b out."


def test_every_exit_code_is_told_apart() -> None:
    assert sorted(Exit) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]
