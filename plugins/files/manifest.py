"""What is offered: a file, or a folder with the list of what is in it.

A transfer is one stream of bytes. A file's stream is its content. A folder's stream begins with its manifest, which is `head`
bytes long, and then has the contents of its files in the same order. The manifest is text, one JSON array a line, and a folder
comes before what is in it:

    [depth, name, mode, mtime in ns, size, or null for a folder]

An entry is in the last folder before it that is one level above, so no path can lead out of the folder. Its name is only ever one
name: `safe_name` decides what it is called here.
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
    """What a sender says of a file or a folder before anything is accepted: nothing in it is to be believed."""

    name: Name
    """Text for display: `safe_name` makes a file name of it."""
    size: Size | None
    """The length of the stream, in bytes, the manifest included; None where it is known at its end."""
    root: Annotated[bytes, Meta(min_length=HASH, max_length=HASH)] | None
    """The root of the hash tree over the stream, None where its size is."""
    hash: Annotated[str, Meta(max_length=32)]
    """The hash function of the tree."""
    head: Annotated[int, Meta(ge=0, le=MAX_MANIFEST)] = 0
    """The length of a folder's manifest, in bytes; 0 for a file."""
    folder: bool = False
    count: Annotated[int, Meta(ge=0, le=MAX_ENTRIES)] = 1
    """How many files there are."""
    mode: Mode = 0o644
    mtime: Time = 0
    """When it was changed last, in nanoseconds since 1970."""

    @property
    def once(self) -> bool:
        """Whether it is read as it comes, as from standard input: by one receiver, from the beginning, and never again."""
        return self.size is None

    @property
    def agrees_with_itself(self) -> bool:
        """Whether size and root are both there or both missing; a folder has both."""
        return self.once == (self.root is None) and not (self.once and self.folder)

    @property
    def most(self) -> int:
        """The most bytes that its stream can have."""
        return MAX_SIZE if self.size is None else self.size

    @property
    def key(self) -> str:
        """What an unfinished transfer is kept under: the same for the same content, whatever it is called."""
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
    """In bytes; None for a folder."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def check_offer(offer: FileOffer) -> None:
    """Check what types cannot say. Raises BadOffer."""
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
    """One line of a manifest."""
    return _encoder.encode(entry) + b"\n"


def entries_of(manifest: bytes) -> Iterator[Entry]:
    """The entries of a manifest, one after another, so that a long one needs little memory. Raises BadOffer."""
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
    """Read a manifest to its end before anything is made of it. Raises BadOffer if it is not what was offered."""
    total = offer.head
    count = 0
    for entry in entries:
        if entry.size is not None:
            total += entry.size
            count += 1
    if (total, count) != (offer.size, offer.count):
        raise BadOffer("The folder's content is not what was offered.")
