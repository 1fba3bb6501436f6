"""Authorized keys: a file of keys and names, in the syntax of OpenSSH's authorized_keys (sshd(8)), without options.

    TYPE BASE64 NAME

A line that cannot be understood refuses the whole file, and so does a missing file: a missing list must not let everybody in.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.files import edited_lines, read_lines
from plytalk.trust.named_files import is_stream
from plytalk.trust.store_errors import Corrupt, StoreError

_KEY_INSIDE = re.compile(r"[ \t][a-z][\w@.-]*[ \t]+AAAA")  # every key begins with the length of its type, three zero bytes

MAX_NAME = 64
"""The longest name, in characters."""


def allowed(path: Path) -> dict[PublicKey, str]:
    """The keys that are let in, and their names. Raises StoreError, and Corrupt with the number of the line."""
    lines = read_lines(path, streams=True)
    if lines is None:
        raise StoreError(f"{path} does not exist.", "Without this list nobody may come in.")
    return _guests(path, lines)


def _guests(path: Path, lines: Sequence[str]) -> dict[PublicKey, str]:
    guests: dict[PublicKey, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip(" \t\r")
        if text and not text.startswith("#"):
            try:
                key, name = _guest(text)
            except ValueError as trouble:
                raise Corrupt(path, number, str(trouble)) from None
            if key in guests:
                raise Corrupt(path, number, "this key is listed twice")
            guests[key] = name
    return guests


def add(path: Path, key: PublicKey, name: str) -> None:
    """Let a key in from now on. Raises StoreError, and Usage for a name that cannot be in the file."""
    check_add(path, name)
    with edited_lines(path) as lines:
        if key not in _guests(path, lines):
            lines.append(f"{key} {name.strip()}")


def check_add(path: Path, name: str) -> None:
    """Raises what `add` raises for this name, and for a list that cannot be read or added to."""
    if not name.isprintable() or not name.strip() or len(name) > MAX_NAME:
        raise Usage(f"{name[:MAX_NAME]!a} cannot be the name of a key in {path}.", f"Use up to {MAX_NAME} printable characters.")
    if is_stream(path):
        raise StoreError(f"{path} is not a file that a key could be added to.", "Keep the list in a file.")
    allowed(path)  # a list that is not there is not begun here


def _guest(text: str) -> tuple[PublicKey, str]:
    type, encoded, name = (*re.split(r"[ \t]+", text, maxsplit=2), "", "")[:3]
    try:
        key = PublicKey.parse(f"{type} {encoded}")
    except ValueError:
        if _KEY_INSIDE.search(text):
            raise ValueError("options before a key are not understood; write only TYPE KEY NAME") from None
        raise
    if not name:
        raise ValueError("the key has no name; write TYPE KEY NAME")
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"the name has more than {MAX_NAME} characters, or some that cannot be shown")
    return key, name
