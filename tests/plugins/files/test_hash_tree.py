"""Chunks are checked on arrival against one root, whatever came before."""

import subprocess
import sys
import tracemalloc
from hashlib import blake2b

import pytest

from plytalk.plugins.files import hash_tree
from plytalk.plugins.files.file_limits import BLOCK, CHUNK, MAX_LEAVES, MAX_SIZE
from plytalk.plugins.files.hash_tree import (
    HASH,
    KNOWN,
    HashTree,
    TreeCheck,
    blocks_in,
    chunk_length,
    chunks_in,
    root_of,
)
from plytalk.plugins.files.transfer_errors import Damaged


def content_of(size: int) -> list[bytes]:
    return [bytes([index % 251]) * chunk_length(size, index) for index in range(chunks_in(size))]


def tree_over(size: int, algorithm: str) -> HashTree:
    tree = HashTree(size, algorithm)
    for chunk in content_of(size):
        tree.add(chunk)
    return tree


@pytest.fixture(params=KNOWN)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_both_hash_functions_are_known_here() -> None:
    assert KNOWN == ("blake3", "blake2b")


def test_without_the_extra_there_is_the_one_of_the_standard_library() -> None:
    code = "import sys; sys.modules['blake3'] = None; from plytalk.plugins.files.hash_tree import KNOWN; print(*KNOWN)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "blake2b\n"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 5 * CHUNK + 7])
def test_every_chunk_of_any_size_checks(size: int, algorithm: str) -> None:
    tree = tree_over(size, algorithm)
    check = TreeCheck(size, tree.root, algorithm)
    leaves = []
    if size:
        check.proof(0, tree.proof(0))
    for index, chunk in enumerate(content_of(size)):
        leaves.append(check.leaf(index, chunk))
    assert root_of(size, [b"".join(leaves)] if leaves else [], algorithm) == tree.root
    tree.close()


def test_the_root_is_what_the_documentation_says() -> None:
    def hashed(label: bytes, content: bytes) -> bytes:
        return blake2b(content, key=label.ljust(32, b"\0"), digest_size=32).digest()

    size = 2 * CHUNK + 5
    leaves = b"".join(hashed(b"chunk", chunk) for chunk in content_of(size))
    tree = tree_over(size, "blake2b")
    assert tree.root == hashed(b"root", size.to_bytes(8, "big") + hashed(b"block", leaves))
    assert tree.proof(0) == hashed(b"block", leaves) + leaves
    tree.close()


def long_tree(algorithm: str) -> tuple[HashTree, int]:
    """Three blocks, of leaves alone: their chunks would be 600 MiB."""
    size = (2 * BLOCK + 10) * CHUNK - 3
    tree = HashTree(size, algorithm)
    for index in range(chunks_in(size)):
        tree.add_leaf(index.to_bytes(HASH, "big"))
    return tree, size


def test_a_proof_of_each_block_leads_to_the_root_whatever_was_received_before(algorithm: str) -> None:
    tree, size = long_tree(algorithm)
    root = tree.root
    check = TreeCheck(size, root, algorithm)
    for block in (2, 0, 1, 2):
        check.proof(block, tree.proof(block))
    assert len(tree.proof(2)) == (3 + 10) * HASH
    for wrong in (tree.proof(0), tree.proof(1), tree.proof(2)[:-1], tree.proof(2) + b"\0", b""):
        with pytest.raises(Damaged):
            check.proof(2, wrong)
    for block in (-1, 3, 2**70):
        with pytest.raises(Damaged):
            check.proof(block, tree.proof(2))
    tree.close()


def test_no_bit_of_a_proof_can_be_flipped(algorithm: str) -> None:
    tree = tree_over(3 * CHUNK, algorithm)
    check = TreeCheck(3 * CHUNK, tree.root, algorithm)
    proof = tree.proof(0)
    for place in range(len(proof)):
        wrong = bytearray(proof)
        wrong[place] ^= 1 << place % 8
        with pytest.raises(Damaged):
            check.proof(0, bytes(wrong))
    tree.close()


def test_a_chunk_that_is_changed_moved_shorter_longer_or_without_proof_is_damaged(algorithm: str) -> None:
    size = 3 * CHUNK + 1
    tree = tree_over(size, algorithm)
    chunks = content_of(size)
    check = TreeCheck(size, tree.root, algorithm)
    with pytest.raises(Damaged):
        check.leaf(0, chunks[0])  # before its proof
    check.proof(0, tree.proof(0))
    changed = bytearray(chunks[0])
    changed[77] ^= 1
    for index, chunk in ((0, changed), (0, chunks[1]), (0, chunks[0][:-1]), (0, chunks[0] + b"x"), (3, b""), (3, b"xx")):
        with pytest.raises(Damaged):
            check.leaf(index, chunk)
    for index in (-1, 4, BLOCK, 2**70):
        with pytest.raises(Damaged):
            check.leaf(index, b"")
    assert check.leaf(3, chunks[3]) == check.hash_chunk(chunks[3])
    tree.close()


def test_the_size_is_part_of_the_root(algorithm: str) -> None:
    """Otherwise a sender could show the same root for a longer and a shorter file."""
    one, other = HashTree(CHUNK, algorithm), HashTree(CHUNK - 1, algorithm)
    for tree in (one, other):
        tree.add_leaf(bytes(HASH))
    assert one.root != other.root
    one.close()
    other.close()


def test_a_tree_takes_only_the_chunks_of_its_size() -> None:
    tree = HashTree(CHUNK + 1)
    with pytest.raises(ValueError, match="length"):
        tree.add(b"short")
    tree.add(bytes(CHUNK))
    with pytest.raises(ValueError, match="missing"):
        _ = tree.root
    tree.add(b"x")
    with pytest.raises(ValueError, match="length"):
        tree.add(b"x")
    tree.close()


def test_the_numbers_of_chunks_and_blocks() -> None:
    assert [chunks_in(size) for size in (0, 1, CHUNK, CHUNK + 1)] == [0, 1, 1, 2]
    assert [blocks_in(size) for size in (0, 1, CHUNK * BLOCK, CHUNK * BLOCK + 1)] == [0, 1, 1, 2]
    assert (blocks_in(MAX_SIZE) + BLOCK) * HASH < 2**20  # the longest proof


def test_the_leaves_of_a_file_of_any_size_need_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_tree, "MAX_LEAVES", 2**16)
    size = 100 * BLOCK * CHUNK
    tracemalloc.start()
    try:
        tree = HashTree(size, "blake2b")
        leaf = bytes(HASH)
        for _ in range(chunks_in(size)):
            tree.add_leaf(leaf)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**19 < chunks_in(size) * HASH < MAX_LEAVES
    TreeCheck(size, tree.root, "blake2b").proof(99, tree.proof(99))
    tree.close()
