"""How long someone who has given the code is remembered, and with what."""

import os
import stat
import time
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Refused
from plytalk.trust.code_returns import DAY, KEPT_FOR, Returns

PEER = b"p" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    return tmp_path


def noted(about: str, words: str = "", key: bytes = b"k" * 32) -> Returns:
    made = Returns(about)
    made.recall(words)
    made.agree(key)
    made.note(PEER)
    return made


def again(about: str, words: str = "") -> Returns:
    made = Returns(about)
    made.recall(words)
    return made


def test_both_sides_have_one_secret_and_another_run_recalls_it(home: Path) -> None:
    server, client = noted("send"), noted("receive", "7-orbit-velvet")
    assert server.first
    assert client.first
    assert server.first.secret == client.first.secret != b"k" * 32
    assert again("send").first == server.first
    assert again("receive", "7-orbit-velvet").first == client.first
    assert again("receive", "7-orbit-buffalo").first is None
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.glob("code-*")} == {0o600}
    assert again("send").key(b"a", b"b") == client.key(b"a", b"b") != client.key(b"a", b"c")
    assert client.comes_back


def test_another_conversation_is_not_come_back_to() -> None:
    noted("send\n/home/ann/film")
    assert again("send\n/home/ann/other").first is None


def test_another_key_than_the_first_time_is_refused() -> None:
    server = noted("send")
    server.check(PEER)
    with pytest.raises(Refused, match="another key"):
        server.check(b"q" * 32)
    with pytest.raises(Refused):
        Returns("send").check(PEER)


def test_nothing_is_kept_when_all_is_done_or_after_a_week(home: Path) -> None:
    noted("send").forget()
    assert not [*home.glob("code-*")]
    noted("send")
    (file,) = home.glob("code-*")
    long_ago = time.time() - KEPT_FOR - 1
    os.utime(file, (long_ago, long_ago))
    assert again("send").first is None
    Returns("never begun").forget()


def test_a_clock_that_was_set_back_keeps_nothing_for_longer(home: Path) -> None:
    noted("send")
    (file,) = home.glob("code-*")
    soon, later = time.time() + 3600, time.time() + 2 * DAY
    os.utime(file, (soon, soon))
    assert again("send").first
    os.utime(file, (later, later))
    assert again("send").first is None
    assert not file.exists()


def test_what_a_conversation_left_to_which_nobody_came_back_goes_with_the_next(home: Path) -> None:
    noted("given up")
    noted("still wanted")
    old, new = sorted(home.glob("code-*"), key=lambda path: path.stat().st_mtime_ns)
    long_ago = time.time() - KEPT_FOR - 1
    (home / "code-guesses").write_text("5\n")
    for path in (old, home / "code-guesses"):
        os.utime(path, (long_ago, long_ago))
    again("another")
    assert {*home.glob("code-*")} == {new, home / "code-guesses"}


@pytest.mark.parametrize("content", ["", "00", "zz zz", "00 00 00"])
def test_a_file_that_is_damaged_is_as_none(home: Path, content: str) -> None:
    noted("send")
    (file,) = home.glob("code-*")
    file.write_text(content)
    assert again("send").first is None


def test_the_name_of_a_file_that_is_sent_need_not_be_utf_8() -> None:
    name = os.fsdecode(b"/home/erin/caf\xe9.txt")
    assert noted(name).first == again(name).first
