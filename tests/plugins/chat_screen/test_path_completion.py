"""Tab behind /send."""

import os
from pathlib import Path

import pytest

from plytalk.plugins.chat_screen.path_completion import paths, unquoted, word_start, written
from plytalk.plugins.chat_screen.word_completion import Tab, Vocabulary


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the chat was started."""
    for name in ("film.mkv", "film-2.mkv", "my notes.txt", "it's.txt", "@home", ".hidden", "bad\nname", "music/a song.ogg"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / "loop").symlink_to("loop")  # cannot be looked at, and keeps nothing else from being found
    (tmp_path / "my music").mkdir()
    (tmp_path / "my music" / "b.ogg").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("", ["./@home ", "film-2.mkv ", "film.mkv ", "'it'\"'\"'s.txt' ", "loop ", "music/", "'my music/'", "'my notes.txt' "]),
        ("fi", ["film-2.mkv ", "film.mkv "]),
        ("mu", ["music/"]),
        ("music/", ["'music/a song.ogg' "]),
        ("my", ["'my music/'", "'my notes.txt' "]),
        ('"my n', ["'my notes.txt' "]),
        ("my\\ n", ["'my notes.txt' "]),
        ("'my music/", ["'my music/b.ogg' "]),
        ("'my music/'", ["'my music/b.ogg' "]),
        ("~/fi", ["~/film-2.mkv ", "~/film.mkv "]),
        (".h", [".hidden "]),
        ("nothing", []),
        ("no/such/folder/", []),
        ("null\0/x", []),
    ],
)
def test_the_paths_that_begin_so(word: str, found: list[str]) -> None:
    assert paths(word) == found


def test_what_is_put_in_is_what_send_reads() -> None:
    for word in paths(""):
        assert os.path.lexists(unquoted(word.rstrip(" ")) or "")


@pytest.mark.parametrize(
    ("line", "word"),
    [("/send a", "a"), ("/send a b", "b"), ('/send "a b', '"a b'), ("/send a\\ b", "a\\ b"), ("/send 'a b' ", ""), ("x", "x")],
)
def test_where_the_last_word_begins(line: str, word: str) -> None:
    assert line[word_start(line) :] == word


@pytest.mark.parametrize(("word", "text"), [("", ""), ("a", "a"), ("'a b", "a b"), ("\"it's", "it's"), ("a b", None)])
def test_quotes_are_taken_off(word: str, text: str | None) -> None:
    assert unquoted(word) == text


def test_a_folder_is_gone_into_and_is_one_word_before_it() -> None:
    assert written("my music", True) == "'my music/'"
    tab, line = Tab(Vocabulary(["bob"])), "/send 'my m"
    for made in ("/send 'my music/'", "/send 'my music/b.ogg' "):
        assert (line := tab.press(line)) == made
    assert tab.press(f"{line}@b") == f"{line}@bob "
