"""Sizes and times as text."""

from datetime import UTC, datetime

import pytest

from plytalk.core.io.sizes import rfc3339, size_in_words, time_in_words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, "unknown size"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_449_000, "1.4 MB"), (123_456_789, "123 MB"),
        (5_000_000_000, "5.0 GB"), (4e15, "4000 TB"),
    ],
)  # fmt: skip
def test_sizes(size: float | None, words: str) -> None:
    assert size_in_words(size) == words


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (65.9, "1:05"), (7389, "2:03:09")])
def test_times(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


@pytest.mark.parametrize(
    ("timespec", "text"), [("seconds", "2026-11-29T10:12:11Z"), ("milliseconds", "2026-11-29T10:12:11.042Z")]
)
def test_times_by_rfc_3339(timespec: str, text: str) -> None:
    assert rfc3339(datetime(2026, 11, 29, 10, 12, 11, 42999, UTC), timespec) == text
