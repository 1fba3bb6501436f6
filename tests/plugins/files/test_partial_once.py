"""What arrives without a size: whole under its name, or not at all."""

from pathlib import Path

import pytest
from transferring import opened

from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.hash_tree import KNOWN, HashTree, RunningRoot
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.partial_once import PartialOnce
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.transfer_errors import Damaged

OFFER = FileOffer(name="input", size=None, root=None, hash=KNOWN[0])
CONTENT = bytes(range(250)) * 3000


def root_of(content: bytes) -> bytes:
    running = RunningRoot()
    running.add(memoryview(content))
    return running.end()


def arriving(into: SafeFolder) -> PartialOnce:
    one = PartialOnce(into, OFFER, sync=True)
    assert not list(one.resuming())
    for start in range(0, len(CONTENT), CHUNK):
        one.write(memoryview(CONTENT)[start : start + CHUNK])
    return one


def test_the_running_root_is_that_of_the_tree() -> None:
    tree = HashTree(len(CONTENT))
    for start in range(0, len(CONTENT), CHUNK):
        tree.add(CONTENT[start : start + CHUNK])
    assert root_of(CONTENT) == tree.root
    empty = HashTree(0)
    assert root_of(b"") == empty.root
    empty.close()
    tree.close()


def test_what_is_whole_gets_its_name(tmp_path: Path) -> None:
    with opened(tmp_path) as into:
        one = arriving(into)
        one.check(len(CONTENT), root_of(CONTENT))
        assert one.finish() == "input"
        assert [path.name for path in tmp_path.iterdir()] == ["input"]
        assert (tmp_path / "input").read_bytes() == CONTENT


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
def test_what_is_not_what_was_sent_gets_none_and_is_removed(tmp_path: Path, size: int) -> None:
    with opened(tmp_path) as into:
        one = arriving(into)
        with pytest.raises(Damaged):
            one.finish()
        with pytest.raises(Damaged):
            one.check(size, root_of(CONTENT))
        with pytest.raises(Damaged):
            one.check(len(CONTENT), root_of(CONTENT[1:]))
        with pytest.raises(Damaged):
            one.proof(0, b"")
        with pytest.raises(Damaged):
            one.finish()
        one.close()
        one.discard()
        assert not list(tmp_path.iterdir())
