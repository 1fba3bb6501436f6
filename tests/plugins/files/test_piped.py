"""A stream in place of a path."""

from plytalk.plugins.files.piped import Piped


def test_it_is_a_name_with_a_descriptor() -> None:
    piped = Piped.of("standard-input", 7)
    assert (piped, piped.descriptor) == ("standard-input", 7)
