"""What an exercise is, and what an answer to it is.

An answer is a text: some words, or the content of a file. It is judged by what it does under the student's seed.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.limits import KIB
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.small_files import read_small
from plytalk.trust.files import write_new

MAX_ANSWER = 32 * KIB
"""The longest answer, in bytes."""


@dataclass(frozen=True)
class AnswerVerdict:
    """Whether an answer is right, and why."""

    right: bool
    why: str


Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Exercise:
    """An exercise: `make` gives the files of a student, one of which, `answer_file`, is edited into an answer; where there is
    none, the answer is words. `is_program`: the answer is code, which `check` runs.
    """

    title: str
    answer: str
    """What an answer looks like, as the end of the sentence "An answer is ..."."""
    make: Callable[[Draw], Files]
    check: Callable[[Draw, str], AnswerVerdict]
    hints: tuple[str, ...]
    """What a teacher may tell, one after the other."""
    answer_file: str = ""
    is_program: bool = False


def template(name: str) -> bytes:
    """A program that students complete or repair, as it is handed out."""
    return Path(__file__).with_name("templates").joinpath(f"{name}.txt").read_bytes()


def make_files(files: Files, folder: Path) -> None:
    """Write the files of an exercise into a folder. Raises StoreError, for one that exists too."""
    for name, content in files.items():
        write_new(folder / name, content, make_parents=True)


def read_answer(exercise: Exercise, given: str) -> str:
    """The answer that was given: as a text, as a file, or as the folder that was made. Raises Usage, StoreError."""
    if exercise.answer_file:
        path = Path(given)
        return checked_answer(read_small(path / exercise.answer_file if os.path.isdir(path) else path, MAX_ANSWER))
    return checked_answer(given.encode(errors="surrogateescape"))


def checked_answer(content: bytes) -> str:
    """The text of an answer. Raises Usage."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Usage("The answer is not text in UTF-8.") from None
    if not text.strip():
        raise Usage("The answer is empty.")
    if len(content) > MAX_ANSWER:
        raise Usage(f"An answer has at most {MAX_ANSWER:,} bytes.")
    return text
