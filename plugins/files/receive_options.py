"""What a conversation tells its transfers: who the user is, and how to receive files."""

from pathlib import Path
from typing import NamedTuple

from plytalk.core.contracts.events import Sender


class ReceiveOptions(NamedTuple):
    """How this user receives files: the folder, and whether files from everybody, or from these keys, are accepted unasked.

    With `fsync`, each file is on the disk before it gets its name. With `none`, no file is received, sent or read.
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
