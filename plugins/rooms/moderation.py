"""The server's file about keys: the names that they hold, and who is an operator, banned or muted.

    name TYPE BASE64 NAME
    seen TYPE BASE64 2026-11-29     when the holder of a name was last here; a name that is not used for UNUSED expires
    op TYPE BASE64
    ban TYPE BASE64 2026-11-29T10:12:11Z NAME REASON    what follows the key may be left out (bans.py)
    mute TYPE BASE64

One entry per line. Lines written by hand are kept, and `#` begins a comment line. If a line is not valid, the whole file is
refused, so that no ban is lost by accident: the server does not start, or the change is not made.
"""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.bans import Ban
from plytalk.plugins.rooms.member_names import BadName, enforce, looks
from plytalk.plugins.rooms.member_names import shapes as shapes_of
from plytalk.trust.files import LOCK_WAIT, edited_lines, read_lines
from plytalk.trust.store_errors import Corrupt, StoreError

MAX_NAMES = 1000
"""The largest number of reserved names, one for each key."""

MAX_KEY = 600
"""The longest key that can hold a name, in bytes: RSA of 4,096 bits, and so many that the file has room for bans."""

UNUSED = timedelta(days=90)
"""If the holder of a name has not come for this time, another key may take the name."""

_MARKS = ("op", "ban", "mute")
_WORDS = re.compile(r"[ \t]+")


class NameTaken(BadName):
    """The name, or one that looks like it, is held by another key."""

    hint = "Choose another one."


class NameNotKept(StoreError):
    """A name cannot be remembered for its key."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A parsed line. `name` is the text after the key; `looks`, only in `name` lines, are the ways in which it may be misread."""

    word: str
    key: PublicKey
    name: str = ""
    looks: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Content:
    """The lines of a file, their entries by line number, and indexes of the entries."""

    lines: list[str] = field(default_factory=list)
    entries: dict[int, _Entry] = field(default_factory=dict)
    marked: dict[str, set[PublicKey]] = field(default_factory=lambda: {mark: set() for mark in _MARKS})
    names: dict[PublicKey, str] = field(default_factory=dict)
    held: dict[str, PublicKey] = field(default_factory=dict)
    exact: dict[str, PublicKey] = field(default_factory=dict)
    seen: dict[PublicKey, date] = field(default_factory=dict)
    bans: dict[PublicKey, Ban] = field(default_factory=dict)

    def other_holder(self, shapes: frozenset[str], key: PublicKey | None) -> PublicKey | None:
        """Return another key that holds a name of one of these shapes, if it has not expired; otherwise None."""
        holders = (holder for shape in shapes if (holder := self.held.get(shape)) not in (None, key))
        return next((holder for holder in holders if holder and not self.is_expired(holder)), None)

    def is_expired(self, key: PublicKey) -> bool:
        return self.seen.get(key, date.max) < today() - UNUSED

    def add(self, number: int, entry: _Entry) -> None:
        """Add the entry of a line. Raises ValueError if another line repeats or contradicts it."""
        if entry.word == "name":
            if entry.key in self.names:
                raise ValueError("this key has a name already")
            exact = shapes_of(entry.name)  # names reserved under laxer rules stay valid
            if any(self.exact.get(shape, entry.key) != entry.key for shape in exact):
                raise ValueError(f"the name {entry.name!r} is another key's, or looks like it")
            if len(self.names) == MAX_NAMES:
                raise ValueError(f"there are more than {MAX_NAMES} names")
            self.names[entry.key] = entry.name
            self.exact.update(dict.fromkeys(exact, entry.key))
            for look in entry.looks:
                self.held.setdefault(look, entry.key)
        elif entry.word == "seen":
            self.seen[entry.key] = date.fromisoformat(entry.name)
        else:
            if entry.key in self.marked[entry.word]:
                raise ValueError("it is listed twice")
            self.marked[entry.word].add(entry.key)
            if entry.word == "ban":
                self.bans[entry.key] = Ban.parse(entry.name)
        self.entries[number] = entry


class Moderation:
    """The entries about keys, in a file, or without a path in memory. `wait` is the time to wait for the file's lock, in seconds.

    The file is read by the constructor and by `load`; queries only look into dictionaries. A method that changes something reads,
    checks and writes the file under its lock, so call it in a thread. If it raises, nothing has changed. All methods but queries
    raise StoreError (trust/files.py) if the file cannot be read, parsed, locked or written.
    """

    def __init__(self, path: Path | None = None, wait: float = LOCK_WAIT) -> None:
        self.path = path
        self._wait = wait
        self._now = _Content()
        self._alone = threading.Lock()
        self.load()

    def load(self) -> None:
        """Reload the file, for example at SIGHUP. If that fails, the old entries stay. A missing file counts as empty."""
        if self.path is not None:
            with self._alone:
                self._now = self._parse(self._still_there(read_lines(self.path) or []))

    # -- names ------------------------------------------------------------------------------------------------------------

    def holder(self, name: str, besides: PublicKey | None = None) -> PublicKey | None:
        """Return the key, other than `besides`, that holds this name (a result of `enforce`) or one that looks like it."""
        return self._now.other_holder(looks(name), besides)

    def name_of(self, key: PublicKey) -> str | None:
        """The name that a key holds."""
        return self._now.names.get(key)

    def claim(self, name: str, key: PublicKey) -> str:
        """Reserve a name for a key, in place of its earlier one. Return the name in its written form.

        Raises BadName for an invalid name, NameTaken if another key holds it or a similar one, NameNotKept if there are too many.
        """
        name = enforce(name)
        if self.name_of(key) == name:
            return name
        if len(key.blob) > MAX_KEY:
            raise NameNotKept("This key is too long to hold a name.", "Come with a key of another type.")
        shapes = looks(name)
        with self._edited() as (lines, now):
            now = self._without_expired(lines, now)
            if now.other_holder(shapes, key):
                raise NameTaken(f"The name {name!r}, or one that looks like it, is held by another key.")
            line = f"name {key} {name}"
            if key in now.names:
                lines[self._where(now, "name", key) - 1] = line
            elif len(now.names) < MAX_NAMES:
                lines.append(line)
            else:
                raise NameNotKept(f"{MAX_NAMES} names are held already.", "Ask an operator to release one with /release NAME.")
        return name

    def release(self, key: PublicKey) -> bool:
        """Release the name that a key holds. Return False if it holds none."""
        self._drop("seen", key)
        return self._drop("name", key)

    def is_to_be_noted(self, key: PublicKey) -> bool:
        """Whether this key holds a name, and the file does not say yet that it was here today."""
        return key in self._now.names and self._now.seen.get(key) != today()

    def note(self, key: PublicKey) -> None:
        """Record that the holder of a name was here today, so that the name does not expire."""
        with self._edited() as (lines, now):
            if key in now.names:
                line = f"seen {key} {today().isoformat()}"
                if where := self._where(now, "seen", key):
                    lines[where - 1] = line
                else:
                    lines.append(line)

    def _without_expired(self, lines: list[str], now: _Content) -> _Content:
        expired = {key for key in now.names if now.is_expired(key)}
        if not expired:
            return now
        gone = {number for number, entry in now.entries.items() if entry.key in expired and entry.word in ("name", "seen")}
        lines[:] = [line for number, line in enumerate(lines, 1) if number not in gone]
        return self._parse(lines)

    def keys(self) -> set[PublicKey]:
        """Return all keys that have an entry."""
        return {*self._now.names, *(key for keys in self._now.marked.values() for key in keys)}

    # -- marks: each change says whether it changed anything --------------------------------------------------------------

    def is_op(self, key: PublicKey) -> bool:
        return key in self._now.marked["op"]

    def op(self, key: PublicKey) -> bool:
        return self._mark("op", key)

    def deop(self, key: PublicKey) -> bool:
        return self._drop("op", key)

    def is_banned(self, key: PublicKey) -> bool:
        return key in self._now.marked["ban"]

    def banned(self) -> set[str]:
        """Return all banned keys, as text."""
        return {str(key) for key in self._now.marked["ban"]}

    def bans(self) -> dict[PublicKey, Ban]:
        """Return all bans by their keys, in the order of the file."""
        return self._now.bans

    def ban(self, key: PublicKey, name: str = "", reason: str = "") -> bool:
        """Ban a key. `name` is the name of its holder."""
        return self._mark("ban", key, f" {Ban.now(name, reason)}")

    def unban(self, key: PublicKey) -> bool:
        return self._drop("ban", key)

    def is_muted(self, key: PublicKey) -> bool:
        return key in self._now.marked["mute"]

    def mute(self, key: PublicKey) -> bool:
        return self._mark("mute", key)

    def unmute(self, key: PublicKey) -> bool:
        return self._drop("mute", key)

    # -- the file ---------------------------------------------------------------------------------------------------------

    def _mark(self, word: str, key: PublicKey, more: str = "") -> bool:
        with self._edited() as (lines, now):
            if key in now.marked[word]:
                return False
            lines.append(f"{word} {key}{more}")
        return True

    def _drop(self, word: str, key: PublicKey) -> bool:
        with self._edited() as (lines, now):
            where = self._where(now, word, key)
            if not where:
                return False
            del lines[where - 1]
        return True

    @staticmethod
    def _where(content: _Content, word: str, key: PublicKey) -> int:
        """Return the number of the line with this entry, or 0."""
        return next((number for number, entry in content.entries.items() if entry.word == word and entry.key == key), 0)

    @contextmanager
    def _edited(self) -> Iterator[tuple[list[str], _Content]]:
        """Give the lines, to be changed, and their entries. After the block, the entries are those that were written."""
        with self._alone:
            with nullcontext(list(self._now.lines)) if self.path is None else edited_lines(self.path, self._wait) as lines:
                yield lines, self._now if lines == self._now.lines else self._parse(self._still_there(lines))
                after = self._parse(lines)
            self._now = after

    def _still_there(self, lines: list[str]) -> list[str]:
        if self.path is not None and self._now.lines and not lines and not os.path.exists(self.path):
            raise StoreError(f"{self.path} is gone.", "Restore it, or restart the server: until then it uses what it read last.")
        return lines

    def _parse(self, lines: Sequence[str]) -> _Content:
        known = {self._now.lines[number - 1]: entry for number, entry in self._now.entries.items()}  # names take a while
        content = _Content(list(lines))
        for number, line in enumerate(lines, 1):
            text = line.strip(" \t\r")
            if text and not text.startswith("#"):
                try:
                    content.add(number, known.get(line) or _entry(text))
                except (ValueError, Usage) as trouble:
                    raise Corrupt(self.path or Path(), number, str(trouble).rstrip(".")) from None
        return content


def today() -> date:
    return datetime.now(UTC).date()


def _entry(text: str) -> _Entry:
    word, type, encoded, name = (*_WORDS.split(text, maxsplit=3), "", "", "")[:4]
    if word not in (*_MARKS, "name", "seen") or (word != "ban" and (word in ("name", "seen")) != bool(name)):
        raise ValueError("it is neither `name TYPE KEY NAME` nor " + ", ".join(f"`{mark} TYPE KEY`" for mark in _MARKS))
    key = PublicKey.parse(f"{type} {encoded}")
    if word == "ban":
        return _Entry(word, key, name)
    if word != "name":
        return _Entry(word, key, date.fromisoformat(name).isoformat() if name else "")
    if enforce(name) != name:
        raise ValueError(f"the name is written {enforce(name)!r}")
    return _Entry(word, key, name, looks(name))
