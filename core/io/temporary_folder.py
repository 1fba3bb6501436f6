"""A temporary folder that no interruption leaves behind."""

import os
import secrets
import shutil
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path


class TemporaryFolder(AbstractContextManager[Path]):
    """A new folder that only its owner may read, removed at the end of the `with` block. Raises OSError where it cannot be made.

    `tempfile.TemporaryDirectory` makes the folder first and remembers to remove it afterwards, so an interruption between the two
    leaves it. Here the removal is arranged before there is a folder, and stays arranged until it is complete.
    """

    def __init__(self, prefix: str = "plytalk-") -> None:
        self._path = Path(place(), prefix + secrets.token_hex(8))
        self._removal = weakref.finalize(self, shutil.rmtree, self._path, ignore_errors=True)

    def __enter__(self) -> Path:
        os.mkdir(self._path, 0o700)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        self._removal.detach()


def place() -> str:
    """Return the folder of temporary files. Raises FileNotFoundError where there is none.

    `tempfile` finds it by writing a file, which an interruption would leave. Interruptions come to the main thread alone.
    """
    if tempfile.tempdir is not None:
        return tempfile.gettempdir()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(tempfile.gettempdir).result()
