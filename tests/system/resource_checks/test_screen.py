"""Hostile texts reach no screen, whichever way they take: seen through a terminal emulator."""

import sys
from pathlib import Path

import pytest
from programs import ENVIRONMENT, serve
from screens import shown

from plytalk.core.contracts.sanitise import clean
from tests.system.resources.screen import disturbed, forbidden, leaks
from tests.system.resources.sinks import SINKS
from tests.system.resources.strings import AMOUNT, hostile


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_all_hostile_texts_are_harmless_once_cleaned() -> None:
    assert leaks("clean", ["Message Received: " + clean(text) for text in hostile()]) == []


def test_the_texts_are_hostile_and_the_judge_notices() -> None:
    texts = hostile()
    assert len(set(texts)) == AMOUNT
    assert sum(bool(forbidden(text)) for text in texts) > AMOUNT * 0.8
    assert sum(bool(disturbed([text])) for text in texts[:200]) > 100


@pytest.mark.parametrize("name", SINKS)
def test_no_sink_lets_one_through(name: str) -> None:
    assert leaks(name, SINKS[name](hostile(90))) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")
def test_a_person_at_a_terminal_sees_one_line_for_each(home: Path) -> None:
    texts = [text for text in hostile(90) if "\n" not in text and not text.endswith("\r")]
    own = {**ENVIRONMENT, "PLYTALK_HOME": str(home), "HOME": str(home)}
    with serve("--profile", "secure-chat", environment=own) as peer:
        words = ("connect", f"127.0.0.1:{peer.port}", "--profile", "secure-chat")
        with shown(*words, environment=own, columns=150, rows=len(texts) + 20) as screen:
            screen.until(lambda: screen.before_cursor == "Type Message: ")
            above = screen.rows[:-1]
            for text in texts:
                peer.say(text.encode(errors="replace").decode())
            peer.say("the end")
            screen.until("Message Received: the end")
            screen.until(lambda: screen.before_cursor == "Type Message: ")  # the prompt is drawn below it
            came = screen.rows[len(above) : -1]
            assert screen.rows[: len(above)] == above
            assert len(came) == len(texts) + 1
            assert all(row.startswith("Message Received: ") for row in came)
            assert not {"\x9b", "\x90", "\x9d"} & set(screen.raw.decode(errors="replace"))
            assert b"\x1b]" not in screen.raw
