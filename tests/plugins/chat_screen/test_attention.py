"""The bell, the title and notifications."""

import asyncio
from pathlib import Path

import pytest

from plytalk.plugins.chat_screen.attention import BELL, RESTORE_TITLE, SAVE_TITLE, Attention, run_program


async def test_nothing_is_written_unless_it_is_wanted() -> None:
    written: list[str] = []
    attention = Attention(written.append, False, False, False)
    attention.begin()
    attention.room("lobby")
    attention.message("alice: hey bob", True)
    attention.typed()
    attention.end()
    assert written == []


async def test_the_bell_rings_for_what_is_meant_for_the_reader() -> None:
    written: list[str] = []
    attention = Attention(written.append, True, False, False)
    attention.message("alice: hello", False)
    assert written == []
    attention.message("alice: hey bob", True)
    assert written == [BELL]


async def test_the_title_counts_what_came_since_the_last_key() -> None:
    written: list[str] = []
    attention = Attention(written.append, False, True, False)
    attention.begin()
    attention.room("lobby")
    for _ in range(2):
        attention.message("alice: hello", False)
    attention.typed()
    attention.typed()
    attention.end()
    assert written == [
        SAVE_TITLE,
        "\x1b]2;plytalk\a",
        "\x1b]2;lobby\a",
        "\x1b]2;(1) lobby\a",
        "\x1b]2;(2) lobby\a",
        "\x1b]2;lobby\a",
        RESTORE_TITLE,
    ]


async def test_the_shell_has_its_title_while_the_program_is_suspended() -> None:
    written: list[str] = []
    attention = Attention(written.append, False, True, False)
    attention.suspend()  # at a question before the chat: there is no title of ours yet
    attention.resume()
    assert written == []
    attention.begin()
    attention.suspend()
    attention.resume()
    attention.end()
    attention.suspend()
    assert written == [SAVE_TITLE, "\x1b]2;plytalk\a", RESTORE_TITLE] * 2


async def test_without_a_desktop_the_terminal_notifies_and_not_for_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    written: list[str] = []
    attention = Attention(written.append, False, False, True)
    attention.message("alice: hello", False)
    for _ in range(3):
        attention.message("alice: hey bob", True)
    assert written == ["\x1b]9;plytalk: alice: hey bob\a"]


async def test_no_name_becomes_another_command_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """ConEmu, Windows Terminal and others show progress for OSC 9;4: a server can give any name."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    written: list[str] = []
    Attention(written.append, False, False, True).message("4;1;50: hey bob", True)
    assert written == ["\x1b]9;plytalk: 4;1;50: hey bob\a"]


async def test_on_a_desktop_its_program_notifies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, told = tmp_path / "notify-send", tmp_path / "told"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}.new && mv {told}.new {told}\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DISPLAY", ":0")
    written: list[str] = []
    attention = Attention(written.append, False, False, True)
    attention.message("alice: <b>hey</b> bob", True)
    await asyncio.gather(*attention._programs.tasks)
    assert told.read_text().splitlines() == ["--app-name=plytalk", "--", "plytalk", "alice: &lt;b&gt;hey&lt;/b&gt; bob"]
    assert written == []


async def test_a_program_that_does_not_run_does_not_matter() -> None:
    assert await asyncio.gather(run_program("/no/such/program"), return_exceptions=True) == [None]
