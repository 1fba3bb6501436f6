"""Offers: a file, or a folder with a manifest of its content.

A transfer is one stream of bytes. A file's stream is its content. A folder's stream begins with its manifest, which is `head`
bytes long, and then has the contents of its files in the same order. The manifest is text, one JSON array per line, and a folder
comes before its content:

    [depth, name, mode, mtime in ns, size, or null for a folder]

An entry belongs to the last folder before it that is one level above, so no path can lead out of the folder. Its name is a single
name, from which `safe_name` makes the name on disk.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from secrets import token_hex
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from plytalk.plugins.files.file_limits import MAX_DEPTH, MAX_ENTRIES, MAX_MANIFEST, MAX_NAME, MAX_SIZE
from plytalk.plugins.files.hash_tree import HASH, KNOWN
from plytalk.plugins.files.transfer_errors import BadOffer

Name = Annotated[str, Meta(max_length=MAX_NAME)]
Size = Annotated[int, Meta(ge=0, le=MAX_SIZE)]
Mode = Annotated[int, Meta(ge=0, le=0o7777)]
Time = Annotated[int, Meta(ge=-(2**62), le=2**62)]


class FileOffer(Struct, frozen=True, kw_only=True):
    """What a sender says about a file or folder before it is accepted. None of it is trusted."""

    name: Name
    """Text for display: `safe_name` makes a file name of it."""
    size: Size | None
    """The length of the stream in bytes, including the manifest; None if it is known only at the end."""
    root: Annotated[bytes, Meta(min_length=HASH, max_length=HASH)] | None
    """The root of the hash tree over the stream; None if the size is None."""
    hash: Annotated[str, Meta(max_length=32)]
    """The hash function of the tree."""
    head: Annotated[int, Meta(ge=0, le=MAX_MANIFEST)] = 0
    """The length of a folder's manifest, in bytes; 0 for a file."""
    folder: bool = False
    count: Annotated[int, Meta(ge=0, le=MAX_ENTRIES)] = 1
    """The number of files."""
    mode: Mode = 0o644
    mtime: Time = 0
    """The time of the last change, in nanoseconds since 1970."""

    @property
    def once(self) -> bool:
        """Whether it can be sent only once, to one receiver, from the beginning, as standard input can."""
        return self.size is None

    @property
    def agrees_with_itself(self) -> bool:
        """Whether size and root are both given or both missing; a folder has both."""
        return self.once == (self.root is None) and not (self.once and self.folder)

    @property
    def most(self) -> int:
        """The largest length of its stream, in bytes."""
        return MAX_SIZE if self.size is None else self.size

    @property
    def key(self) -> str:
        """The key of an unfinished transfer: the same for the same content under any name."""
        if self.root is None:
            return token_hex(16)
        shape = f"{self.hash} {self.size} {self.folder} {self.head} "
        return blake2b(shape.encode() + self.root, digest_size=16).hexdigest()


class Entry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A file or a folder inside a folder."""

    depth: Annotated[int, Meta(ge=0, lt=MAX_DEPTH)]
    name: Name
    mode: Mode
    mtime: Time
    size: Size | None
    """The size in bytes; None for a folder."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def check_offer(offer: FileOffer) -> None:
    """Check an offer beyond its types. Raises BadOffer."""
    check_hash(offer.hash)
    if not offer.agrees_with_itself:
        raise BadOffer
    if offer.head > offer.most or (not offer.folder and (offer.head, offer.count) != (0, 1)):
        raise BadOffer


def check_hash(name: str) -> None:
    """Raises BadOffer for a hash function that this side cannot compute."""
    if name not in KNOWN:
        raise BadOffer("The file is offered with a hash function that this side does not know.", "pip install blake3")


def encode_entry(entry: Entry) -> bytes:
    """Return an entry as a line of a manifest."""
    return _encoder.encode(entry) + b"\n"


def entries_of(manifest: bytes) -> Iterator[Entry]:
    """Yield the entries of a manifest one by one, so that a long one needs little memory. Raises BadOffer."""
    if manifest.count(b"\n") > MAX_ENTRIES or (manifest and not manifest.endswith(b"\n")):
        raise BadOffer
    deepest = 0
    start = 0
    while start < len(manifest):
        end = manifest.index(b"\n", start)
        try:
            entry = _decoder.decode(memoryview(manifest)[start:end])
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise BadOffer("The list of what is in the folder is not valid.") from None
        if entry.depth > deepest:
            raise BadOffer("The list of what is in the folder is not in order.")
        deepest = entry.depth + (entry.size is None)
        yield entry
        start = end + 1


def check_manifest(offer: FileOffer, entries: Iterable[Entry]) -> None:
    """Check a whole manifest before anything is created. Raises BadOffer if it does not match the offer."""
    total = offer.head
    count = 0
    for entry in entries:
        if entry.size is not None:
            total += entry.size
            count += 1
    if (total, count) != (offer.size, offer.count):
        raise BadOffer("The folder's content is not what was offered.")
