"""Messages that are UTF-8 text and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.bases.utf8_messages import TextMessages
from plytalk.core.contracts.items import Close, Undecodable, is_exit
from plytalk.testing import check_messages, randomly


class Words(TextMessages):
    """Text."""

    name = "words"


def test_it_passes_the_kit() -> None:
    check_messages(Words)


@given(st.lists(st.text().filter(lambda text: not is_exit(text))))
def test_with_borders_every_text_comes_back(texts: list[str]) -> None:
    assert [item for plaintext in Words(True).pack(texts) for item in Words(True).unpack(plaintext)] == texts


@given(st.text(min_size=1).filter(lambda text: "exit" not in text.lower()), st.integers(0, 1000))
def test_without_borders_characters_survive_being_cut(text: str, seed: int) -> None:
    messages = Words(False)
    pieces = [piece for plaintext in Words(False).pack([text]) for piece in randomly(seed)(plaintext)]
    assert "".join(str(item) for piece in pieces for item in messages.unpack(piece)) == text


@given(st.binary())
def test_nothing_that_arrives_is_an_error(garbage: bytes) -> None:
    for boundaries in (True, False):
        for item in Words(boundaries).unpack(garbage):
            assert isinstance(item, str | Close | Undecodable)


def test_goodbye_is_sent_as_it_was_typed_and_understood_in_any_case() -> None:
    assert list(Words(True).pack([Close("Exit ")])) == [b"Exit "]
    assert list(Words(True).unpack(b"\tEXIT\n")) == [Close("\tEXIT\n")]
    assert list(Words(False).unpack(b"exit")) == [Close("exit")]


def test_what_is_not_utf8_is_marked_and_readable() -> None:
    assert list(Words(True).unpack(b"caf\xe9")) == [Undecodable("caf\ufffd")]
    assert list(Words(False).unpack(b"caf\xe9!")) == ["caf\ufffd!"]


def test_half_a_character_waits_for_the_rest() -> None:
    messages = Words(False)
    assert list(messages.unpack("é".encode()[:1])) == []
    assert list(messages.unpack("é".encode()[1:])) == ["é"]


@pytest.mark.parametrize("boundaries", [True, False])
def test_an_empty_message_is_one_only_where_there_are_boundaries(boundaries: bool) -> None:
    assert list(Words(boundaries).unpack(b"")) == ([""] if boundaries else [])


def test_a_lone_surrogate_is_sent_as_a_question_mark() -> None:
    assert list(Words(True).pack(["a\ud800b"])) == [b"a?b"]
