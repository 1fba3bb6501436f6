"""Temporary folders: made, used, and removed whatever interrupts."""

import stat
import sys
import tempfile
import weakref

import pytest

from plytalk.core.io import temporary_folder
from plytalk.core.io.temporary_folder import TemporaryFolder

COUNTED = {module.__file__ for module in (temporary_folder, tempfile, weakref)} | {__file__}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def fill():
    with TemporaryFolder("test-") as folder:
        (folder / "inside").mkdir()
        (folder / "inside" / "file").write_bytes(b"secret")
        return folder


def interrupt_at(line, run):
    """Whether `run` came to its `line`th line, where Control-C interrupts it. Only lines of COUNTED count."""
    left = line

    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename not in COUNTED:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_temporary_folder_is_private_and_removed(temporary):
    with TemporaryFolder("test-") as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("test-")
        if sys.platform != "win32":
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "file").write_bytes(b"")
    assert list(temporary.iterdir()) == []


def test_two_temporary_folders_differ(temporary):
    with TemporaryFolder() as one, TemporaryFolder() as other:
        assert one != other


def test_an_interruption_at_any_line_leaves_no_temporary_folder(temporary):
    fill()
    line = 1
    while interrupt_at(line, fill):
        assert list(temporary.iterdir()) == [], f"interrupted at line {line}"
        line += 1
    assert line > 10


def test_a_folder_that_cannot_be_made_is_said(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(FileNotFoundError), TemporaryFolder():
        pass


def test_an_interruption_while_the_place_for_it_is_looked_for_leaves_nothing(tmp_path, monkeypatch):
    """`tempfile` writes a file into the first place that it finds, to see whether it can, and an interruption left that file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sys.modules[__name__], "COUNTED", COUNTED - {weakref.__file__})
    for line in range(1, 200):
        monkeypatch.setattr(tempfile, "tempdir", None)
        if not interrupt_at(line, fill):
            break
        assert list(tmp_path.iterdir()) == []
    assert line > 5
