"""A file or folder that goes from its source into a folder, as a connection would carry it: offer, proofs and chunks."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from plytalk.plugins.files.file_limits import BLOCK, CHUNK
from plytalk.plugins.files.hash_tree import KNOWN, HashTree, chunk_length
from plytalk.plugins.files.manifest import Entry, FileOffer, encode_entry
from plytalk.plugins.files.partial import Partial
from plytalk.plugins.files.reading import Source
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.source import hash_source, make_offer, open_source


@contextmanager
def opened(folder: Path) -> Iterator[SafeFolder]:
    into = SafeFolder.at(folder)
    try:
        yield into
    finally:
        into.close()


def no_skips(sentence: str) -> None:
    raise AssertionError(sentence)


def read_chunk(source: Source, index: int) -> bytes:
    buffer = bytearray(chunk_length(source.size, index))
    assert source.read_into(memoryview(buffer), index * CHUNK) == len(buffer)
    return bytes(buffer)


def carry(source: Source, tree: HashTree, partial: Partial, chunks: int = 1 << 60) -> None:
    """Send what is missing, or this many chunks of it."""
    proved = -1
    while chunks and partial.received < source.size:
        index = partial.received // CHUNK
        if index // BLOCK != proved:
            proved = index // BLOCK
            partial.proof(proved, tree.proof(proved))
        partial.write(read_chunk(source, index))
        chunks -= 1


@contextmanager
def offered(path: Path, algorithm: str = KNOWN[0]) -> Iterator[tuple[Source, HashTree, FileOffer]]:
    """A file or a folder whose sender has hashed it."""
    source = open_source(path, no_skips)
    tree = hash_source(source, algorithm)
    try:
        yield source, tree, make_offer(source, tree)
    finally:
        source.close()
        tree.close()


@contextmanager
def arriving(folder: Path, offer: FileOffer, *, sync: bool = False) -> Iterator[Partial]:
    """A transfer that is taken up, and kept afterwards unless it was finished."""
    with opened(folder) as into:
        partial = Partial.open(into, offer, sync=sync)
        try:
            yield partial
        finally:
            partial.close()


def send(path: Path, folder: Path, *, algorithm: str = KNOWN[0], sync: bool = False) -> str:
    """Send the whole file. Return its name at the receiver."""
    with offered(path, algorithm) as (source, tree, offer), arriving(folder, offer, sync=sync) as partial:
        carry(source, tree, partial)
        return partial.finish()


class BytesSource(Source):
    """A stream that a hostile sender made."""

    def __init__(self, content: bytes, name: str = "hostile") -> None:
        self.content = content
        self.name = name
        self.size = len(content)
        self.mode = 0o644
        self.mtime = 0

    def read_into(self, buffer: memoryview, offset: int) -> int:
        part = self.content[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        pass


def hostile_folder(entries: list[Entry] | bytes, content: bytes = b"") -> BytesSource:
    """A folder whose manifest says what no honest sender's does."""
    manifest = entries if isinstance(entries, bytes) else b"".join(encode_entry(entry) for entry in entries)
    source = BytesSource(manifest + content)
    source.folder = True
    source.head = len(manifest)
    source.count = 0 if isinstance(entries, bytes) else sum(entry.size is not None for entry in entries)
    return source


@contextmanager
def hashed(source: Source) -> Iterator[tuple[HashTree, FileOffer]]:
    """The tree of a source, and what is offered."""
    tree = hash_source(source)
    try:
        yield tree, make_offer(source, tree)
    finally:
        tree.close()


def receive(source: Source, folder: Path, **changed: Any) -> str:
    """Receive what a hostile sender sends, who may have changed the offer."""
    with hashed(source) as (tree, offer), arriving(folder, replace(offer, **changed)) as partial:
        carry(source, tree, partial)
        return partial.finish()


def tree_of(folder: Path) -> dict[str, tuple[str, int, int, bytes]]:
    """Return everything inside a folder: kind, mode, time and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "file" if stat.S_ISREG(status.st_mode) else "other"
        content = path.read_bytes() if kind == "file" else os.readlink(path).encode() if path.is_symlink() else b""
        found[str(path.relative_to(folder))] = (kind, stat.S_IMODE(status.st_mode), status.st_mtime_ns, content)
    return found


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """The system lets this process write no file beyond this size, as on a full disk; Python ignores the signal."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Have the rights of a user whom the system refuses something, but may enter this folder: root is refused nothing."""
    if os.geteuid():
        yield
        return
    closed = [above for above in folder.parents if above.stat().st_mode & 0o777 == 0o700]
    for above in closed:
        above.chmod(0o711)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for above in closed:
            above.chmod(0o700)
