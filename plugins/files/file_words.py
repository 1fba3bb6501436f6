"""What is known of files before anybody sends one: the type of their items, and the commands."""

from typing import Any

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import LocalError

FILE = 10
"""The type of the items about files."""
HELP = {
    "send": "Offer files or folders to everybody here, or to one member: /send film.mkv @bob.",
    "accept": "Receive a file that is offered, the last one or that of a number: /accept 3.",
    "decline": "Say that you do not want a file: /decline 3.",
    "transfers": "List what is sent, received and offered.",
    "cancel": "End a transfer, or take back an offer: /cancel 3.",
}
"""The commands. They are carried out where they are typed, since the files are there and not at the server."""


class NoFilesHere(LocalError):
    """Your program cannot send or receive files."""

    hint = "Connect with plytalk."


def _refuse(call: Any) -> None:
    raise NoFilesHere


AT_THE_SERVER = tuple(Command(name, help, _refuse) for name, help in HELP.items())
"""The same as the server lists them; it carries out none of them."""
