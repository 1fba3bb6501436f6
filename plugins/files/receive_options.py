"""What a conversation tells its transfers: who the user is, and how to receive files."""

from pathlib import Path

from msgspec import Struct

from plytalk.core.contracts.events import Sender


class ReceiveOptions(Struct, frozen=True):
    """How this user receives files: the folder, and whether files from everybody, or from these keys, are accepted unasked.

    With `fsync`, each file is on the disk before it gets its name. With `none`, no file is received, sent or read.
    """

    into: Path = Path()
    yes: bool = False
    accept_from: tuple[str, ...] = ()
    fsync: bool = False
    none: bool = False


class Myself(Struct, frozen=True):
    """This user, in its room."""

    sender: Sender
    room: str | None
