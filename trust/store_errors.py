"""What can be wrong with a file of settings, of secrets or of trust."""

from pathlib import Path

from plytalk.core.contracts.errors import LocalError


class StoreError(LocalError):
    """A file this program keeps cannot be used."""


class Exposed(StoreError):
    """A file is open to other users of this computer."""


class FileExists(StoreError):
    """A file exists already."""


class Corrupt(StoreError):
    """A line of a file cannot be understood."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(
            f"{path}, line {line}: {why}.", f"Nothing in this file is trusted until line {line} is corrected or deleted."
        )
        self.path = path
        self.line = line


class Unwritable(StoreError):
    """A file cannot be written, or its folder cannot be: it may well be readable."""


class FileInUse(StoreError):
    """Another program holds the lock of a file."""
