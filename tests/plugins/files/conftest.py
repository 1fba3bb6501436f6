"""Folders to send from and to receive into."""

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where what is sent comes from."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where it is received."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder
