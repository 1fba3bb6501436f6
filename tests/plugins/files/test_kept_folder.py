"""The hidden folder of a transfer is held by one process, and its content can be read again."""

import os
from pathlib import Path

import pytest
from transferring import opened

from plytalk.plugins.files.file_limits import BLOCK
from plytalk.plugins.files.hash_tree import HASH
from plytalk.plugins.files.kept_folder import DATA, KeptFolder
from plytalk.plugins.files.transfer_errors import NotStored


def test_one_process_holds_it(there: Path) -> None:
    with opened(there) as into:
        kept = KeptFolder.of(into, "key")
        with pytest.raises(NotStored, match="being received already"):
            KeptFolder.of(into, "key")
        kept.close()
        kept.close()
        KeptFolder.of(into, "key").close()
    assert os.listdir(there) == [".plytalk-key.part"]
    assert (there / ".plytalk-key.part").stat().st_mode & 0o777 == 0o700


def test_leaves_are_kept_in_order_and_can_be_forgotten(there: Path) -> None:
    leaves = [bytes([number % 256]) * HASH for number in range(BLOCK + 2)]
    with opened(there) as into:
        kept = KeptFolder.of(into, "key")
        for leaf in leaves:
            kept.add_leaf(leaf)
        assert kept.leaves_count() == BLOCK + 2
        assert kept.leaf(BLOCK + 1) == leaves[-1]
        assert [len(part) for part in kept.leaves_of_blocks()] == [BLOCK * HASH, 2 * HASH]
        kept.forget_after(1)
        kept.add_leaf(leaves[5])
        assert list(kept.leaves_of_blocks()) == [leaves[0] + leaves[5]]
        kept.close()


def test_it_knows_what_became_of_its_data(there: Path) -> None:
    with opened(there) as into:
        kept = KeptFolder.of(into, "key")
        assert kept.moved_inode() is None
        kept.make_data(folder=False)
        inode = kept.folder.inode(DATA)
        assert kept.moved_inode() is None
        assert kept.give_name("a/b", sync=True) == "a_b"
        assert kept.moved_inode() == inode == (there / "a_b").stat().st_ino
        kept.make_data(folder=True)
        assert kept.moved_inode() is None
        assert kept.give_name("a/b", sync=False) == "a_b (1)"
        kept.remove()
        kept.close()
    assert sorted(os.listdir(there)) == ["a_b", "a_b (1)"]


def test_a_file_with_a_second_name_is_let_go_of(there: Path) -> None:
    with opened(there) as into:
        kept = KeptFolder.of(into, "key")
        kept.drop_second_name()
        kept.make_data(folder=False)
        kept.drop_second_name()
        assert kept.folder.inode(DATA)
        (there / "named").hardlink_to(there / ".plytalk-key.part" / DATA)
        kept.drop_second_name()
        assert kept.folder.inode(DATA) is None
        assert (there / "named").exists()
        kept.close()
