"""What a conversation tells its transfers: who the user is, and how files are received."""

from pathlib import Path
from typing import NamedTuple

from plytalk.core.contracts.events import Sender


class ReceiveOptions(NamedTuple):
    """How this user receives: into which folder, from everybody or from these keys without being asked.

    `fsync` has each file on the disk before it gets its name. With `none` no file is received or sent at all, and none is read.
    """

    into: Path = Path()
    yes: bool = False
    accept_from: tuple[str, ...] = ()
    fsync: bool = False
    none: bool = False


class Myself(NamedTuple):
    """This user, in its room."""

    sender: Sender
    room: str | None
