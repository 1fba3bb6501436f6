"""What a figure needs beside it, so that anybody can take it again: the commit that was measured, and the day."""

import subprocess
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commit() -> str:
    """The commit that is checked out, with `-dirty` behind it where a file differs from it."""
    command = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty"]
    described = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"


def today() -> str:
    return date.today().isoformat()
