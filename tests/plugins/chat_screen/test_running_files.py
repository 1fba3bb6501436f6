"""The bars of files above the input line."""

from datetime import UTC, datetime, timedelta
from typing import Any

from plytalk.core.contracts.events import File, Sender
from plytalk.plugins.chat_screen.running_files import MOST_BARS, RunningFiles

START = datetime(2026, 11, 29, tzinfo=UTC)


def file(state: str, done: int = 0, seconds: float = 0, **fields: Any) -> File:
    said: dict[str, Any] = {"name": "film.mkv", "size": 1_000_000, "transfer": "1", "incoming": True, **fields}
    return File(id="x", time=START + timedelta(seconds=seconds), sender=Sender(name="ann"), state=state, done=done, **said)


def plain(rows: list[str]) -> list[str]:
    return [row.removeprefix("\x1b[2m").removesuffix("\x1b[m") for row in rows]


def test_a_bar_grows_with_rate_and_time_left() -> None:
    files = RunningFiles()
    files.note(file("offered"))
    assert files.rows(80) == []
    files.note(file("receiving"))
    assert plain(files.rows(80)) == [f"film.mkv  [{'.' * 20}]    0 %"]
    files.note(file("receiving", 500_000, 2))
    assert plain(files.rows(80)) == [f"film.mkv  [{'#' * 10}{'.' * 10}]   50 %  250 kB/s  0:02 left"]
    assert plain(files.rows(40)) == ["film.mkv   50 %  250 kB/s  0:02 left"]
    files.note(file("done", 1_000_000, 4))
    assert files.rows(80) == []


def test_what_has_all_gone_out_has_no_bar() -> None:
    files = RunningFiles()
    files.note(file("sending", 10, own=True, incoming=False))
    assert files.rows(80)
    files.note(file("done", 10, incoming=False))
    assert files.rows(80)
    files.note(file("sending", 1_000_000, own=True, incoming=False))
    assert files.rows(80) == []


def test_a_size_that_is_not_known_has_no_bar() -> None:
    files = RunningFiles()
    files.note(file("receiving", size=None))
    files.note(file("receiving", 2000, 1, size=None))
    assert plain(files.rows(80)) == ["film.mkv  2.0 kB  2.0 kB/s"]


def test_only_the_last_ones_are_shown() -> None:
    files = RunningFiles()
    for number in range(MOST_BARS + 2):
        files.note(file("receiving", transfer=f"{number}", name=f"file {number}"))
    assert [row.split("  ")[0] for row in plain(files.rows(80))] == [f"file {number}" for number in range(2, MOST_BARS + 2)]
