"""The kit finds bytes that a layer describes twice, not at all, or without a name."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from plytalk.core.contracts.spans import Passed, Span
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.testing import PlainFrames, check_cipher, check_framer, check_messages
from plytalk.testing.parts import PlainWords

Fields = Callable[[Any, Passed], Iterable[Span]]


def fails(self: object, message: Passed) -> list[Span]:
    raise IndexError


WRONG: list[tuple[Fields, str]] = [
    (lambda self, message: [Span("all", 0, len(message.data) + 1)], r"describes \d+ of \d+ bytes"),
    (lambda self, message: [Span("first", 0, 1)], "describes 1 of"),
    (lambda self, message: [Span("first", 0, 2), Span("rest", 1, len(message.data) - 1)], "jumps from byte 2 to byte 1"),
    (lambda self, message: [Span("", 0, len(message.data))], "no name"),
    (fails, "raised IndexError"),
]


@pytest.mark.parametrize(("fields", "sentence"), WRONG)
@pytest.mark.parametrize(("base", "check"), [(AesGcm, check_cipher), (PlainFrames, check_framer), (PlainWords, check_messages)])
def test_a_wrong_description_is_found(base: type, check: Any, fields: Fields, sentence: str) -> None:
    odd = type("Odd", (base,), {"name": "odd", "__doc__": "Odd.", "fields": fields})
    with pytest.raises(AssertionError, match=sentence):
        check(odd)


@pytest.mark.parametrize(("base", "check"), [(AesGcm, check_cipher), (PlainFrames, check_framer), (PlainWords, check_messages)])
def test_a_right_one_passes(base: type, check: Any) -> None:
    check(base)
