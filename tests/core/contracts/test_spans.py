"""Spans of bytes, and which of them every trace has."""

from plytalk.core.contracts.spans import FILES, Span, without_files


def test_what_is_of_files_is_left_out() -> None:
    spans = [Span("kind", 0, 1, "5", "x"), Span("data", 1, 3, "abc", FILES)]
    assert without_files(b"\5abc", spans) == (b"\5\0\0\0", [spans[0], Span("data", 1, 3, "", FILES)])
