"""Which tests may skip where everything they need is installed: tests/support/skips.toml."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("skips.toml")


class Skip(NamedTuple):
    test: str
    reason: str
    why: str

    def allows(self, test: str, reason: str) -> bool:
        return test.startswith(self.test) and self.reason in reason


def listed(file: Path = FILE) -> list[Skip]:
    """The entries; TypeError for one that is not complete."""
    return [Skip(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["skip"]]


def unlisted(skipped: Iterable[tuple[str, str]], entries: list[Skip]) -> list[str]:
    """ID: REASON for each of these skips that no entry allows."""
    return [f"{test}: {reason}" for test, reason in skipped if not any(entry.allows(test, reason) for entry in entries)]
