"""Where a traceback shows no layer, one frame and one word show which layer gives what it must not."""

import pytest

from plytalk.core.pipeline.trial import fault_of_layer, tried
from plytalk.testing import PlainFrames, stack_of


class Payloads(PlainFrames):
    """Gives payloads without their types."""

    name = "payloads"

    def frames(self):
        for _, payload in super().frames():
            yield payload


def test_a_stack_that_works_has_no_fault() -> None:
    assert tried(stack_of()) is None


def test_a_framer_that_gives_no_frames_is_found_without_a_traceback() -> None:
    stack = stack_of(Payloads)
    said = "The framer `payloads` returns a value of type bytes from `frames`."
    assert str(tried(stack)) == said
    assert str(fault_of_layer(TypeError(), stack)) == said


def test_where_nothing_shows_the_layer_the_stack_is_named() -> None:
    stack = stack_of()
    assert str(fault_of_layer(ZeroDivisionError(), stack)) == (
        f"A layer of {stack.line} raised ZeroDivisionError; the conversation ends here."
    )


@pytest.mark.parametrize("method", ["encode", "feed"])
def test_what_raises_is_found_too(method: str) -> None:
    broken = type("Broken", (PlainFrames,), {"name": "broken", method: lambda self, *given: 1 / 0})
    assert "The framer `broken` raised ZeroDivisionError" in str(tried(stack_of(broken)))


def test_what_raises_while_its_frames_are_taken_is_found_too() -> None:
    class Late(PlainFrames):
        name = "late"

        def frames(self):
            yield None, b"x"
            raise KeyError("x")

    assert str(tried(stack_of(Late))) == "The framer `late` raised KeyError."
