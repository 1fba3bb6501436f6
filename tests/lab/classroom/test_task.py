"""Answers as words, files and folders, and the files that are made."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.exercise_book import exercise
from plytalk.lab.classroom.task import MAX_ANSWER, checked_answer, make_files, read_answer, template
from plytalk.trust.store_errors import FileExists

WORDS, FILE = exercise(1), exercise(2)


def test_an_answer_in_words_is_never_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("onion").write_text("something else")
    assert read_answer(WORDS, "onion") == "onion"


def test_a_folder_gives_its_answer_file_and_a_file_itself(tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text("\ufeffabcd\n")
    assert read_answer(FILE, str(tmp_path)) == read_answer(FILE, str(tmp_path / "answer.txt")) == "abcd\n"


@pytest.mark.parametrize("given", ["", "nothing-there", "a\0b", "x" * 5000])
def test_where_there_is_no_file_it_says_so(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Usage, match="cannot be read"):
        read_answer(FILE, given)


@pytest.mark.parametrize(
    ("content", "why"), [(b"\xff", "UTF-8"), (b" \n", "empty"), (b"", "empty"), (b"x" * (MAX_ANSWER + 1), "at most 32,768 bytes")]
)
def test_what_is_no_answer_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(Usage, match=why):
        checked_answer(content)
    (tmp_path / "answer.txt").write_bytes(content)
    with pytest.raises(Usage):
        read_answer(FILE, str(tmp_path))


def test_files_are_made_for_their_owner_alone_and_replace_none(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    make_files({"a.txt": b"one", "b.txt": b"two"}, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"a.txt": b"one", "b.txt": b"two"}
    assert (folder / "a.txt").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExists):
        make_files({"b.txt": b"three"}, folder)
    assert (folder / "b.txt").read_bytes() == b"two"


def test_programs_are_handed_out_as_they_are_in_templates() -> None:
    assert b"pydoc plytalk.Interceptor" in template("attack.py")
    compile(template("attack.py"), "attack.py", "exec")
