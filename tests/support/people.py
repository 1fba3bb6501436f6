"""People with a home each, and terminals at which they run `chat`."""

from pathlib import Path
from typing import TYPE_CHECKING

from programs import COMMAND, ENVIRONMENT

if TYPE_CHECKING:
    import pexpect


def environment(home: Path) -> dict[str, str]:
    """The environment of somebody who keeps everything in this folder."""
    return {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home), "NO_COLOR": "1"}


def terminal(home: Path, *arguments: str) -> "pexpect.spawn[str]":
    """`chat ARGUMENTS` at a terminal of somebody's; leaving its `with` block ends it."""
    import pexpect

    command, *rest = *COMMAND, *arguments
    return pexpect.spawn(
        command, rest, env={**environment(home), "TERM": "dumb"}, encoding="utf-8", timeout=180, dimensions=(40, 300)
    )
