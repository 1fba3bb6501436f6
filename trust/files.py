"""Files of settings, of secrets and of trust: where they live, how they are read and how they are written.

One policy for all of them. Reading refuses rather than guesses: only a file that does not exist counts as absent; one that is a
link, a folder or a device, too large, another user's, or open to others is an error, and so is one in a folder that others
can change, so that a check that cannot be made never looks like one that passed. Reading needs no lock, since a file is only ever
replaced as a whole.

Writing is all or nothing. The new content goes to a new file beside the old one, which is 0600 from its first byte
(opening an existing file never narrows it), reaches the disk, and only then takes the old one's name. A change (read, decide,
write) is made under `locked`, a lock on a separate file, since the file itself is replaced.
"""

import os
import secrets
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plytalk.core.contracts.shortage import shortage
from plytalk.core.io.lines import BOM, UTF16
from plytalk.trust.locks import acquire, release
from plytalk.trust.named_files import is_stream, not_plain, open_named, too_large
from plytalk.trust.store_errors import Corrupt, Exposed, FileExists, FileInUse, StoreError, Unwritable

LIMIT = 1 << 20
"""The largest file read, in bytes: some ten thousand lines of trust."""

LOCK_WAIT = 5.0
"""How long to wait for another process's lock, in seconds."""

_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_FLAGS: int = _NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)


def read(path: Path, *, secret: bool = False, limit: int = LIMIT, links: bool = False) -> bytes | None:
    """The content of a text file, without a byte order mark, or None if there is none.

    The file must be a plain one of at most `limit` bytes, belong to this user or to root, and be writable by nobody else, and so
    must its folder; a `secret` must be readable by nobody else either (OpenSSH's rule). With `links` symbolic links are followed,
    and the folder is the one they lead to. Raises StoreError, and Exposed for what others could have changed or read.
    """
    if is_stream(path):
        raise not_plain(path)
    try:
        if links:
            path = Path(os.path.realpath(path))
        descriptor = os.open(path, os.O_RDONLY | _FLAGS | _NONBLOCK)
    except FileNotFoundError:
        with suppress(FileNotFoundError):
            check_folder(path)  # in a folder that others can change, somebody may have removed it
        return None
    except OSError as trouble:
        if os.path.islink(path) and not links:
            raise StoreError(f"{path} is a symbolic link.", "Name the file it points to, or put the file itself there.") from None
        raise _unreadable(path, trouble) from None
    try:
        _check(path, os.fstat(descriptor), secret, limit)
        check_folder(path)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError as trouble:
        raise _unreadable(path, trouble) from None
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise too_large(path, limit)
    return plain_text(content, str(path))


def read_public(path: Path, *, limit: int = LIMIT, links: bool = False) -> bytes | None:
    """What `read` gives, also from an open pipe or file, which can be read once: for keys, lists and settings, no secrets."""
    if not is_stream(path):
        return read(path, limit=limit, links=links)
    try:
        with open(open_named(path), "rb") as file:
            content = file.read(limit + 1)
    except OSError as trouble:
        raise _unreadable(path, trouble) from None
    if len(content) > limit:
        raise too_large(path, limit)
    return plain_text(content, str(path))


def plain_text(content: bytes, name: str) -> bytes:
    """Text without its byte order mark, if it has one. Raises StoreError for UTF-16, in which nothing would be found."""
    if content.startswith(UTF16):
        raise StoreError(f"{name} is text in UTF-16.", "Save it as UTF-8.")
    return content.removeprefix(BOM)


def write(path: Path, content: bytes, limit: int | None = LIMIT) -> None:
    """Replace a file, whole or not at all, by one that only its owner can read. Makes its folder (0700) if need be.

    Raises StoreError, also for more than `limit` bytes; the old file is then as it was.
    """
    if os.path.islink(path):
        raise StoreError(f"{path} is a symbolic link and was not replaced.", "Name the file it points to.")
    if limit is not None and len(content) > limit:
        raise too_large(path, limit)
    with _written(path):
        make_folder(path.parent)
    _put(path, content, lambda new: new.replace(path))


def write_new(path: Path, content: bytes, *, make_parents: bool = False) -> None:
    """Make a file that does not exist yet, whole or not at all, readable by its owner alone. Raises FileExists, Unwritable."""
    if os.path.lexists(path):
        with _written(path):
            raise FileExistsError
    if make_parents:
        with _written(path):
            make_folder(path.parent)
    _put(path, content, lambda new: _give_name(new, path))


def _put(path: Path, content: bytes, name_it: Callable[[Path], object]) -> None:
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.new")
    try:
        with _written(path):
            _write_new(new, content)
            name_it(new)
    finally:
        with suppress(OSError):
            new.unlink()
    with suppress(OSError):  # done by now: some file systems cannot sync a folder
        _sync(path.parent)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Say in words why a file is not written."""
    try:
        yield
    except FileExistsError:
        raise FileExists(f"{path} exists already.", "Name a file that does not exist yet, or remove that one first.") from None
    except OSError as trouble:
        raise Unwritable(
            f"{path} could not be written: {trouble.strerror}.", "Nothing was changed: make room, or name another file."
        ) from None


def _give_name(new: Path, path: Path) -> None:
    """Give a file a name that must be free. Raises FileExistsError; on file systems without links a race is possible."""
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise FileExistsError from None
        new.replace(path)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, for this user alone (0700); one that exists stays as it is. Raises OSError."""
    for missing in reversed([each for each in (path, *path.parents) if not os.path.exists(each)]):
        missing.mkdir(0o700, exist_ok=True)


@contextmanager
def locked(path: Path, *, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Hold the lock that everything respects that changes `path`.

    Raises Busy after `wait` seconds, Unwritable if there can be no lock.
    """
    descriptor = _open_lock(path)
    try:
        if not acquire(descriptor, wait):
            raise FileInUse(f"Another program holds the lock of {path}.", "Try again when it has ended.")
        try:
            yield
        finally:
            release(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path, *, streams: bool = False) -> list[str] | None:
    """The lines of a file of trust, or None if there is none; with `streams` also of an open pipe or file. Raises as `read`."""
    content = read_public(path) if streams else read(path)
    return None if content is None else _lines(path, content)


@contextmanager
def edited_lines(path: Path, wait: float = LOCK_WAIT) -> Iterator[list[str]]:
    """Read lines, let the caller change the list, write it, all under the lock. Raises as `locked`, `read` and `write`.

    Nothing is written if the caller raises or changes nothing. Bytes that are not UTF-8 survive.
    """
    with locked(path, wait=wait):
        before = _lines(path, read(path) or b"")
        lines = list(before)
        yield lines
        if lines != before:
            write(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape"))


def _lines(path: Path, content: bytes) -> list[str]:
    """An editor may show a line with a carriage return in it as two: what looks like an entry would be a comment to us."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines, 1):
        if "\r" in line.rstrip(" \t\r"):
            raise Corrupt(path, number, "there is a carriage return in it. End lines with a line feed (\\n)")
    return lines if lines[-1] else lines[:-1]


def _unreadable(path: Path, trouble: OSError) -> StoreError:
    short = shortage(trouble)
    return StoreError(
        f"{path} cannot be read: {trouble.strerror}.", short.hint if short else "Look at its owner and its rights with `ls -l`."
    )


def _check(path: Path, status: os.stat_result, secret: bool, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise not_plain(path)
    if status.st_size > limit:
        raise too_large(path, limit)
    if sys.platform == "win32":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise Exposed(
            f"{path} belongs to another user.", f"Use a file of yours, or `chown {os.geteuid()} {shlex.quote(str(path))}`."
        )
    if secret and status.st_mode & 0o077:
        raise Exposed(f"{path} is a secret that other users can read or change.", f"`chmod 600 {shlex.quote(str(path))}`")
    if status.st_mode & 0o022:
        raise Exposed(f"{path} can be changed by other users.", f"`chmod go-w {shlex.quote(str(path))}`")


def check_folder(path: Path) -> None:
    """Raises Exposed, OSError. A user who can write to a folder can replace what is in it, unless it is sticky as /tmp is
    (OpenSSH's StrictModes).
    """
    if sys.platform == "win32":
        return
    parent = path.absolute().parent
    status = os.stat(parent)
    if status.st_mode & stat.S_ISVTX:
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise Exposed(f"The folder of {path} belongs to another user.", "Keep the file in a folder of yours.")
    if status.st_mode & 0o022:
        raise Exposed(
            f"The folder of {path} can be changed by other users, who could replace the file.",
            f"`chmod go-w {shlex.quote(str(parent))}`",
        )


def _open_lock(path: Path) -> int:
    if not path.name:
        raise not_plain(path)
    lock = path.with_name(f".{path.name}.lock")
    try:
        make_folder(path.parent)
        return os.open(lock, os.O_RDWR | os.O_CREAT | _FLAGS | _NONBLOCK, 0o600)
    except FileNotFoundError:
        raise Unwritable(f"{path} cannot be locked: its folder disappeared.") from None
    except OSError as trouble:
        raise Unwritable(
            f"{path} cannot be changed: {lock} cannot be locked: {trouble.strerror}.",
            "Make its folder writable, or name a file in another one.",
        ) from None


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync(path: Path) -> None:
    if sys.platform == "win32":
        return  # it cannot open a folder
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
