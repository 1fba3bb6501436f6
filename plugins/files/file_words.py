"""The type of the items about files, and the commands: all that is loaded before the first file."""

from typing import Any

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import LocalError

FILE = 10
"""The type of the items about files."""
REPLACE = "replace"
"""The word after /accept with which a received file replaces one of the same name."""
HELP = {
    "send": "Offer files or folders to everybody here, or to one member: /send film.mkv @bob.",
    "accept": "Receive a file that is offered, the last or by number: /accept 3, or /accept 3 replace for one that exists.",
    "decline": "Say that you do not want a file: /decline 3.",
    "transfers": "List what is sent, received and offered.",
    "cancel": "End a transfer, or take back an offer: /cancel 3.",
}
"""The commands. They run in the program in which they are typed, where the files are."""


def path_word(path: str) -> str:
    """Return a path as an argument of /send, in which a word that begins with @ names a member."""
    return f"./{path}" if path.startswith("@") else path


class NoFilesHere(LocalError):
    """Your program cannot send or receive files."""

    hint = "Connect with plytalk."


def _refuse(call: Any) -> None:
    raise NoFilesHere


AT_THE_SERVER = tuple(Command(name, help, _refuse) for name, help in HELP.items())
"""The same commands for the server's /help. The server runs none of them."""
