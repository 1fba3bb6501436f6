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
            names = sorted(entry.name for entry in islice(entries, MOST) if entry.name.startswith(beginning))
    except (OSError, ValueError):
        return []
    is_hidden = beginning.startswith(".")
    fitting = [os.path.join(folder, name) for name in names if (is_hidden or not name.startswith(".")) and clean(name) == name]
    return [written(path_word(path), os.path.isdir(os.path.expanduser(path))) for path in fitting]


def written(path: str, is_folder: bool) -> str:
    """A path as a word of /send, with the slash or the space that follows it."""
    path += "/" if is_folder else ""
    word = shlex.quote(path) if QUOTED & set(path) else path
    return word if is_folder else f"{word} "
