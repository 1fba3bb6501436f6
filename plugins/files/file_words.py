"""What is known of files before anybody sends one: the type of their items, and the commands."""

from typing import Any

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import LocalError

FILE = 10
"""The type of the items about files."""
REPLACE = "replace"
"""The word behind /accept by which a file takes the place of one that has its name."""
HELP = {
    "send": "Offer files or folders to everybody here, or to one member: /send film.mkv @bob.",
    "accept": "Receive a file that is offered, the last or by number: /accept 3, or /accept 3 replace for one that exists.",
    "decline": "Say that you do not want a file: /decline 3.",
    "transfers": "List what is sent, received and offered.",
    "cancel": "End a transfer, or take back an offer: /cancel 3.",
}
"""The commands. They are carried out where they are typed, since the files are there and not at the server."""


def path_word(path: str) -> str:
    """A path as an argument of /send, where a word that begins with @ is the name of a member."""
    return f"./{path}" if path.startswith("@") else path


class NoFilesHere(LocalError):
    """Your program cannot send or receive files."""

    hint = "Connect with plytalk."


def _refuse(call: Any) -> None:
    raise NoFilesHere


AT_THE_SERVER = tuple(Command(name, help, _refuse) for name, help in HELP.items())
"""The same as the server lists them; it carries out none of them."""
