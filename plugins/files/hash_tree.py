"""The hash tree of a transfer: three levels, so that each chunk can be checked when it arrives.

    leaf  = H("chunk", the chunk)             256 KiB of the stream; the last one is shorter
    block = H("block", its leaves)            1,024 leaves: 256 MiB
    root  = H("root", size, all blocks)       the size as 8 bytes, big-endian

H is BLAKE3 or BLAKE2b in keyed mode with 32 bytes of output; the key is the label, padded with zeros to 32 bytes. The
proof of a block is the list of all blocks and then its leaves. With the root and the size it can be checked on its own.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from tempfile import SpooledTemporaryFile

from plytalk.plugins.files.file_limits import BLOCK, CHUNK, MAX_LEAVES, WHOLE_BLOCK
from plytalk.plugins.files.transfer_errors import Damaged

HASH = 32
Content = bytes | bytearray | memoryview
KeyedHash = Callable[[bytes, Content], bytes]
"""A function from a label and content to 32 bytes."""


def _blake2b(label: bytes, content: Content) -> bytes:
    return blake2b(content, key=label, digest_size=HASH).digest()


_HASHES: dict[str, KeyedHash] = {"blake2b": _blake2b}
with suppress(ImportError):  # the extra `files`: six times as fast
    from blake3 import blake3

    def _blake3(label: bytes, content: Content) -> bytes:
        return blake3(content, key=label).digest()

    _HASHES = {"blake3": _blake3, **_HASHES}

KNOWN = tuple(_HASHES)
"""The hash functions that this side can compute, the fastest first."""

_CHUNK, _BLOCK, _ROOT = (label.ljust(32, b"\0") for label in (b"chunk", b"block", b"root"))


def chunks_in(size: int) -> int:
    """Return the number of chunks of a stream of `size` bytes."""
    return -(-size // CHUNK)


def blocks_in(size: int) -> int:
    """Return the number of blocks of a stream of `size` bytes."""
    return -(-size // WHOLE_BLOCK)


def chunk_length(size: int, index: int) -> int:
    """Return the length of the chunk with this index, in bytes."""
    return min(CHUNK, size - index * CHUNK)


def proof_length(size: int, block: int) -> int:
    """Return the length of this block's proof in bytes, for a stream of `size` bytes."""
    return HASH * (blocks_in(size) + max(0, min(BLOCK, chunks_in(size) - block * BLOCK)))


class HashTree:
    """The tree of a stream whose chunks are added in order, with all leaves. Its memory is bounded for any size."""

    def __init__(self, size: int, algorithm: str = KNOWN[0]) -> None:
        self.size, self.algorithm = size, algorithm
        self._hash = _HASHES[algorithm]
        self._leaves = SpooledTemporaryFile(max_size=MAX_LEAVES)  # noqa: SIM115
        self._count = 0
        self._blocks = bytearray()
        self._open = bytearray()

    def add(self, chunk: Content) -> None:
        """Add the next chunk, which has `chunk_length` bytes. Raises OSError if the disk is full."""
        if len(chunk) != chunk_length(self.size, self._count):
            raise ValueError("a chunk of another length")
        self.add_leaf(self._hash(_CHUNK, chunk))

    def add_leaf(self, leaf: bytes) -> None:
        """Add the leaf of the next chunk."""
        self._leaves.write(leaf)
        self._count += 1
        self._open += leaf
        if len(self._open) == BLOCK * HASH:
            self._end_block()

    def _end_block(self) -> None:
        self._blocks += self._hash(_BLOCK, self._open)
        self._open.clear()

    @property
    def root(self) -> bytes:
        """Return the root, after all chunks were added."""
        if self._count != chunks_in(self.size):
            raise ValueError("chunks are missing")
        if self._open:
            self._end_block()
        return _root(self._hash, self.size, self._blocks)

    def proof(self, block: int) -> bytes:
        """Return the proof of a block: with it a receiver checks the block's chunks."""
        self._leaves.seek(block * BLOCK * HASH)
        return bytes(self._blocks) + self._leaves.read(BLOCK * HASH)

    def close(self) -> None:
        """Close the temporary file."""
        self._leaves.close()


class RunningRoot:
    """Computes the root of a stream whose size is known only at its end."""

    def __init__(self, algorithm: str = KNOWN[0]) -> None:
        self.size = 0
        self._hash = _HASHES[algorithm]
        self._blocks, self._leaves, self._chunk = bytearray(), bytearray(), bytearray()

    def add(self, content: memoryview) -> None:
        """Add the next bytes, of any length."""
        self.size += len(content)
        while content:
            part = content[: CHUNK - len(self._chunk)]
            self._chunk += part
            content = content[len(part) :]
            if len(self._chunk) == CHUNK:
                self._end_chunk()

    def _end_chunk(self) -> None:
        self._leaves += self._hash(_CHUNK, self._chunk)
        self._chunk.clear()
        if len(self._leaves) == BLOCK * HASH:
            self._end_block()

    def _end_block(self) -> None:
        self._blocks += self._hash(_BLOCK, self._leaves)
        self._leaves.clear()

    def end(self) -> bytes:
        """Return the root, after everything was added."""
        if self._chunk:
            self._end_chunk()
        if self._leaves:
            self._end_block()
        return _root(self._hash, self.size, self._blocks)


def root_of(size: int, blocks: Iterable[bytes], algorithm: str) -> bytes:
    """Return the root over the leaves, which are given block by block."""
    hash = _HASHES[algorithm]
    return _root(hash, size, b"".join(hash(_BLOCK, leaves) for leaves in blocks))


def _root(hash: KeyedHash, size: int, blocks: Content) -> bytes:
    return hash(_ROOT, size.to_bytes(8, "big") + blocks)


class TreeCheck:
    """Checks chunks against a root as they arrive, one block after another."""

    def __init__(self, size: int, root: bytes, algorithm: str) -> None:
        self.size = size
        self.root = root
        self._hash = _HASHES[algorithm]
        self._block = -1
        self._leaves = b""

    def proof(self, block: int, proof: bytes) -> None:
        """Take the proof of a block. Raises Damaged if it does not match the root."""
        blocks = blocks_in(self.size)
        if not 0 <= block < blocks or len(proof) != proof_length(self.size, block):
            raise Damaged
        above, below = proof[: blocks * HASH], proof[blocks * HASH :]
        hash = above[block * HASH : (block + 1) * HASH]
        if _root(self._hash, self.size, above) != self.root:
            raise Damaged
        if self._hash(_BLOCK, below) != hash:
            raise Damaged
        self._block, self._leaves = block, below

    def leaf(self, index: int, chunk: Content) -> bytes:
        """Return the leaf of the chunk with this index. Raises Damaged if it is another chunk, or its proof is missing."""
        block, place = divmod(index, BLOCK)
        if block != self._block or index >= chunks_in(self.size) or len(chunk) != chunk_length(self.size, index):
            raise Damaged
        leaf = self.hash_chunk(chunk)
        if leaf != self._leaves[place * HASH : (place + 1) * HASH]:
            raise Damaged
        return leaf

    def hash_chunk(self, chunk: Content) -> bytes:
        """Return the leaf of any chunk, unchecked."""
        return self._hash(_CHUNK, chunk)
