"""A folder that is accessed through its open descriptor: no path is joined, no link is followed, nothing is overwritten.

Every operation names one entry of the open folder. If the folder is renamed or replaced by a link in the meantime, everything
still happens in the original folder.
"""

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.descriptors import CLOSED, close_once
from plytalk.plugins.files.safe_names import numbered
from plytalk.plugins.files.transfer_errors import NoSpace, NotStored

_FOLDER: int = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_NOFOLLOW: int = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OF_ANOTHER_KIND = (errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENXIO, errno.EPERM)
"""The errors where something else is in the way: a link, a socket, a file that has a second name or another owner, a folder in
place of a file, or a file in place of a folder."""
_NOREPLACE = 1
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


@contextmanager
def storing(what: str) -> Iterator[None]:
    """Turn an OSError in the block into NotStored or NoSpace."""
    try:
        yield
    except OSError as trouble:
        raise not_stored(what, trouble) from None


def not_stored(what: str, trouble: OSError) -> NotStored:
    """Return the error for an OSError."""
    if trouble.errno in _FULL:
        return NoSpace(f"There is not enough space for {shorten(what)}: {trouble.strerror}.")
    why = "the folder for it does not exist" if trouble.errno == errno.ENOENT else trouble.strerror
    return NotStored(f"{shorten(what)} cannot be written: {why}.")


class SafeFolder:
    """An open folder. Its methods raise OSError; `storing` turns that into a sentence."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def is_open(self) -> bool:
        """Whether the handle is open."""
        return self._descriptor != CLOSED

    @property
    def is_removed(self) -> bool:
        """Whether the folder was removed, so that nothing can be created in it."""
        return os.fstat(self.descriptor).st_nlink == 0

    @property
    def descriptor(self) -> int:
        """The handle. Raises OSError when it is closed: for `os.listdir` -1 is the folder in which the program runs."""
        if not self.is_open:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._descriptor

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "SafeFolder":
        """Open the folder that the user chose, following links; it is created if necessary. Raises NotStored."""
        with storing(os.fspath(path)):
            with suppress(FileExistsError):
                os.mkdir(path)
            return cls(os.open(path, _FOLDER))

    def close(self) -> None:
        """Close the handle, if it is open."""
        self._descriptor = close_once(self._descriptor)

    def folder(self, name: str) -> "SafeFolder":
        """Open a folder in this one, which must belong to this user."""
        below = SafeFolder(os.open(name, _FOLDER | _NOFOLLOW, dir_fd=self.descriptor))
        if os.fstat(below.descriptor).st_uid != os.geteuid():
            below.close()
            raise PermissionError(errno.EPERM, "the folder belongs to another user")
        return below

    def make_folder(self, name: str) -> "SafeFolder":
        """Open a folder in this one, created if necessary, that only its owner can use."""
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self.descriptor)
        return self.folder(name)

    def open_file(self, name: str, mode: int = 0o600) -> int:
        """Open or create a file for reading and writing. It must be this user's, a regular file, and have only one name."""
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | _NOFOLLOW, mode, dir_fd=self.descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid():
            os.close(descriptor)
            raise PermissionError(errno.EPERM, "it is not a plain file of yours")
        return descriptor

    def names(self) -> list[str]:
        """Return the names of the entries."""
        return os.listdir(self.descriptor)

    def inode(self, name: str) -> int | None:
        """Return the inode number of an entry, or None if there is none of that name."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_ino
        except FileNotFoundError:
            return None

    def changed(self, name: str) -> float:
        """Return the time of an entry's last change, in seconds since 1970; 0 if there is none of that name."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_mtime
        except FileNotFoundError:
            return 0.0

    def is_shared(self, name: str) -> bool:
        """Whether this file has another name as well. Raises FileNotFoundError."""
        status = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        return stat.S_ISREG(status.st_mode) and status.st_nlink > 1

    def name_of(self, inode: int, changed: int) -> str | None:
        """Return the name of the entry with this inode and time of change, in nanoseconds since 1970, or None."""
        with os.scandir(self.descriptor) as found:
            same = (one for one in found if one.inode() == inode)
            return next((one.name for one in same if one.stat(follow_symlinks=False).st_mtime_ns == changed), None)

    def free(self) -> int:
        """Return the free space, in bytes."""
        status = os.fstatvfs(self.descriptor)
        return status.f_bavail * status.f_frsize

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with its content, without following links. What cannot be removed stays."""
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except OSError:
            shutil.rmtree(name, ignore_errors=True, dir_fd=self.descriptor)

    def take(self, source: "SafeFolder", name: str, wanted: str, *, replace: bool = False) -> str:
        """Move a file or folder here, in one step, under the wanted name, with a number if that is in use. Return the name.

        With `replace`, a file replaces a file of that name, but never a folder.
        """
        if replace:
            with suppress(OSError):  # one of the two is a folder
                os.rename(name, wanted, src_dir_fd=source.descriptor, dst_dir_fd=self.descriptor)
                return wanted
        for _, free in numbered(wanted):
            try:
                _rename_new(source.descriptor, name, self.descriptor, free)
            except FileExistsError:
                continue
            return free
        raise FileExistsError(errno.EEXIST, "there are too many files of that name")

    def sync(self) -> None:
        """Wait until the names in this folder are on the disk."""
        os.fsync(self.descriptor)


def _rename_new(source: int, name: str, target: int, new: str) -> None:
    """Rename to a name that must be free, in one step. Raises FileExistsError."""
    if _renameat2 is not None:
        if _renameat2(source, os.fsencode(name), target, os.fsencode(new), _NOREPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOSYS):  # the file system or the kernel does not support it
            raise OSError(number, os.strerror(number))
    rename_by_steps(source, name, target, new)


def rename_by_steps(source: int, name: str, target: int, new: str) -> None:
    """Do the same without that system call. A file has both names for a moment, and a folder is empty for a moment."""
    if stat.S_ISDIR(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode):
        os.mkdir(new, 0o700, dir_fd=target)
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
    else:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.unlink(name, dir_fd=source)
