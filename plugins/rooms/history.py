"""The file in which a server keeps its rooms, so that members see its restart as an ordinary cut.

    meta    the epoch, which never changes, and the number after which the events of new rooms begin
    rooms   name, topic, the number of the next event, the number of the first
    events  room, number, bytes, and for private messages the keys of those who may see them
    said    a member's key and instance, the number of its messages, its room, the first event that it was sent there, its name,
            and why it was away

Everything that happened in a turn of the loop is one transaction, which ends before anything of that turn is acknowledged or
delivered. So whatever anybody was sent is in the file, even if the process was killed. A crash of the machine may lose the last
moments: SQLite does not sync every transaction (`synchronous = NORMAL` in https://sqlite.org/pragma.html), since every message
would then wait for the disk.

The file holds messages as plaintext, as the server's memory does. It keeps the events that `EventLog` keeps in memory, and
overwrites older ones when it deletes them.
"""

import json
import os
import secrets
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.event_log import LogEntry
from plytalk.plugins.rooms.resume import Origin, ReceivedCounts
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import FIXED
from plytalk.trust.files import check_folder, make_folder
from plytalk.trust.store_errors import Exposed, StoreError

VERSION, APPLICATION = 4, 0x706C7972
STRANGE = (sqlite3.Error, KeyError, TypeError, ValueError)
"""The exceptions for a file with unexpected content."""
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""SQLite's error on a full disk, on which a new file is created completely or not at all."""
WAIT = 2.0
"""The time to wait for another program that has locked the file, in seconds."""
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE rooms (name TEXT PRIMARY KEY, topic TEXT NOT NULL, next INTEGER NOT NULL, born INTEGER NOT NULL DEFAULT 1)
    WITHOUT ROWID;
CREATE TABLE events (room TEXT, id INTEGER, body BLOB NOT NULL, audience TEXT, PRIMARY KEY (room, id)) WITHOUT ROWID;
CREATE TABLE said (key TEXT, instance TEXT, count INTEGER NOT NULL, room TEXT NOT NULL, since INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL DEFAULT '', away TEXT, UNIQUE (key, instance));
"""
FROM_1 = """
ALTER TABLE rooms ADD COLUMN born INTEGER NOT NULL DEFAULT 1;
ALTER TABLE said ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
"""
"""From version 1, which did not record what members had been sent: they start as newcomers."""
FROM_3 = """
ALTER TABLE said ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE said ADD COLUMN away TEXT;
"""
"""From version 3, which did not record the names of members: they return with the name that they ask for."""
KEY_AT = FIXED.size
"""The offset of the key in an event. Events of version 2 had no key."""


class KeptRoom(NamedTuple):
    name: str
    topic: str
    after: int
    entries: list[LogEntry]
    born: int


class History:
    """The file at `path`, created if it does not exist, and readable only by its owner. All methods raise StoreError.

    `epoch` identifies the file. Only one server at a time can use it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[str, tuple[int, int]] = {}  # by room: the first number in the file, and the next one
        self._later: list[tuple[str, tuple[Any, ...]]] = []
        new = make(path)
        try:
            self._file = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._file.close()
                raise
        except STRANGE as error:
            if new and getattr(error, "sqlite_errorcode", 0) & 0xFF in NO_ROOM:
                for suffix in ("", "-wal", "-shm", "-journal"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
            raise self._unusable(error) from None

    def _open(self) -> None:
        do = self._file.execute
        do("PRAGMA locking_mode = EXCLUSIVE")
        (application,), (version,) = do("PRAGMA application_id").fetchone(), do("PRAGMA user_version").fetchone()
        new = not application and not version and not do("SELECT name FROM sqlite_master").fetchone()
        if not new and application != APPLICATION:
            raise StoreError(
                f"{self.path} is a database, but not a room history.", "Name another file, or one that is not there."
            )
        if not new and version not in range(1, VERSION + 1):
            raise StoreError(
                f"{self.path} was written by another version of this program ({version}; this one writes {VERSION}).",
                "Start that version, or name another file.",
            )
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            do(f"PRAGMA {pragma}")
        do("BEGIN IMMEDIATE")
        if new:
            for statement in filter(str.strip, SCHEMA.split(";")):
                do(statement)
            do(f"PRAGMA application_id = {APPLICATION}")
            do(f"PRAGMA user_version = {VERSION}")
            do("INSERT INTO meta VALUES ('epoch', ?), ('after', 0)", (secrets.token_hex(8),))
        elif version < VERSION:
            self._bring_up_to_date(version)
        do("INSERT OR REPLACE INTO meta VALUES ('opened', datetime())")  # refuses a file that cannot be written now
        do("COMMIT")
        meta = dict(do("SELECT name, value FROM meta"))
        self.epoch, self.after = str(meta["epoch"]), int(meta["after"])

    def _bring_up_to_date(self, version: int) -> None:
        do = self._file.execute
        for statement in filter(str.strip, ((FROM_1 if version == 1 else "") + FROM_3).split(";")):
            do(statement)
        if version < 3:
            self._file.create_function("without_key", 1, lambda body: body[:KEY_AT] + b"\0" + body[KEY_AT:], deterministic=True)
            do("UPDATE events SET body = without_key(body)")
        do(f"PRAGMA user_version = {VERSION}")

    def _unusable(self, error: Exception) -> StoreError:
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreError(f"{self.path} is used by another program.", "One server at a time can write a history.")
            case (
                sqlite3.SQLITE_CANTOPEN
                | sqlite3.SQLITE_IOERR
                | sqlite3.SQLITE_FULL
                | sqlite3.SQLITE_READONLY
                | sqlite3.SQLITE_PERM
            ):
                return StoreError(f"{self.path} cannot be used: {error}.", "Look at its rights, and at the space on its disk.")
        return StoreError(f"{self.path} is not a room history, or is damaged.", "Put it aside, or name another file.")

    # -- read, once, when a server starts ---------------------------------------------------------------------------------

    def rooms(self) -> Iterator[KeptRoom]:
        """Yield the stored rooms."""
        try:
            for name, topic, following, born in self._file.execute("SELECT name, topic, next, born FROM rooms").fetchall():
                rows = self._file.execute("SELECT id, body, audience FROM events WHERE room = ? ORDER BY id", (name,)).fetchall()
                first = following - len(rows)
                if [row[0] for row in rows] != list(range(first, following)):
                    raise StoreError(f"{self.path} has gaps in the room {name!a}.", "Put it aside, or name another file.")
                self._kept[name] = first, following
                entries = [LogEntry(body, 0, audience_of(audience)) for _, body, audience in rows]
                yield KeptRoom(name, topic, first - 1, entries, int(born))
        except STRANGE as error:
            raise self._unusable(error) from None

    def taken(self) -> list[tuple[Origin, ReceivedCounts]]:
        """Return what is stored of each member, in the order of their last messages."""
        try:
            rows = self._file.execute("SELECT key, instance, count, room, since, name, away FROM said ORDER BY rowid")
            return [
                ((key, instance), ReceivedCounts(int(count), room, int(since), name, away))
                for key, instance, count, room, since, name, away in rows
            ]
        except STRANGE as error:
            raise self._unusable(error) from None

    # -- write ------------------------------------------------------------------------------------------------------------

    def write(self, rooms: Iterable[Room], taken: Iterable[tuple[Origin, ReceivedCounts]]) -> None:
        """Write everything new to the file. If this raises, the file is unchanged, and stays so."""
        spoken = [(*origin, *one[:-1]) for origin, one in taken]  # everything but the correspondent
        changed = [room for room in rooms if self._kept.get(room.name, (0, 0))[1] != room.log.next]
        if not changed and not spoken and not self._later:
            return
        do, many = self._file.execute, self._file.executemany
        try:
            do("BEGIN")
            for statement, values in self._later:
                do(statement, values)
            for room in changed:
                log = room.log
                first, following = self._kept.get(room.name, (log.first, log.first))
                fresh = enumerate(log.since(following), following)
                many("INSERT INTO events VALUES (?, ?, ?, ?)", [(room.name, at, one.body, keys_of(one)) for at, one in fresh])
                if log.first > first:
                    do("DELETE FROM events WHERE room = ? AND id < ?", (room.name, log.first))
                do("INSERT OR REPLACE INTO rooms VALUES (?, ?, ?, ?)", (room.name, room.topic, log.next, room.born))
            many("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?, ?, ?)", spoken)
            do("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(
                f"The history {self.path} cannot be written: {error}.", "Make room on its disk, and start the server again."
            ) from None
        self._later.clear()
        for room in changed:
            self._kept[room.name] = room.log.first, room.log.next

    def forget(self, origin: Origin) -> None:
        """Forget a member with the next `write`."""
        self._later.append(("DELETE FROM said WHERE key = ? AND instance = ?", origin))

    def forget_rooms(self, names: Iterable[str], after: int) -> None:
        """Forget rooms with the next `write`. The events of new rooms begin after this number."""
        for name in names:
            if self._kept.pop(name, None):
                self._later.append(("DELETE FROM events WHERE room = ?", (name,)))
                self._later.append(("DELETE FROM rooms WHERE name = ?", (name,)))
        self._later.append(("UPDATE meta SET value = ? WHERE name = 'after'", (after,)))

    def close(self) -> None:
        self._file.close()


def keys_of(entry: LogEntry) -> str | None:
    """Return the audience of an event as text. A member without a key cannot be recognised after a restart, and is left out."""
    if entry.audience is None:
        return None
    return json.dumps(sorted(str(person) for person in entry.audience if isinstance(person, PublicKey)))


def audience_of(text: str | None) -> frozenset[object] | None:
    """Parse the text of `keys_of`. Raises ValueError."""
    return None if text is None else frozenset(PublicKey.parse(key) for key in json.loads(text))


def make(path: Path) -> bool:
    """Create the file for its owner only, if it does not exist. Return whether it was created. Raises StoreError if others can
    read it.
    """
    try:
        make_folder(path.parent)
        check_folder(path)
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            descriptor, new = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
        except FileExistsError:
            descriptor, new = os.open(path, flags), False
        status = os.fstat(descriptor)
        os.close(descriptor)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened: {error.strerror}.", "Name a plain file that this user can read and write."
        ) from None
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a plain file.", "Name another one.")
    if sys.platform != "win32" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
        raise Exposed(f"{path} contains what people said, and others can read it.", f"`chmod 600 {path}`, as the server's user.")
    return new
