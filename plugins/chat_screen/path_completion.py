"""Tab completion of a half-typed path behind /send."""

import os
import shlex
from itertools import islice

from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.file_words import path_word

MOST = 5000
"""How many entries of a folder are looked at."""
QUOTED = frozenset(" \t'\"\\")
"""Characters for which a word of /send needs quotes."""


def word_start(line: str) -> int:
    """The position at which the last word of a line begins: a blank in quotes or behind a backslash belongs to its word."""
    start, quote, escaped = 0, "", False
    for at, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == " ":
            start = at + 1
    return start


def unquoted(word: str) -> str | None:
    """A half-typed word without its quotes; None where it is not one word."""
    for end in ("", '"', "'"):
        try:
            words = shlex.split(word + end)
        except ValueError:  # a quote that stays open
            continue
        if len(words) < 2:
            return "".join(words)
    return None


def paths(word: str) -> list[str]:
    """The files and folders whose path begins with a half-typed word, as /send takes them: a folder with a slash at its end, so
    that Tab goes on in it. Hidden ones only where their dot was typed; none where the folder cannot be read.
    """
    typed = unquoted(word)
    if typed is None:
        return []
    folder, beginning = os.path.split(typed)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            there = sorted((entry.name, entry.is_dir()) for entry in islice(entries, MOST))
    except (OSError, ValueError):
        return []
    hidden = beginning.startswith(".")
    fitting = (
        (os.path.join(folder, name), is_folder)
        for name, is_folder in there
        if name.startswith(beginning) and (hidden or not name.startswith(".")) and clean(name) == name
    )
    return [written(path_word(path), is_folder) for path, is_folder in fitting]


def written(path: str, is_folder: bool) -> str:
    """A path as a word of /send, with what follows it. The quotes of a folder stay open."""
    word = shlex.quote(path) if QUOTED & set(path) else path
    if not is_folder:
        return f"{word} "
    return f"{word.removesuffix(chr(39))}/" if word != path else f"{path}/"
