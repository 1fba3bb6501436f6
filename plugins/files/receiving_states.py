"""The states of an incoming transfer, and sentences about them."""

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.file_items import FileFailure

WHY = {
    FileFailure.CANCELLED: "its sender has cancelled it",
    FileFailure.UNREADABLE: "its sender cannot read it any more",
    FileFailure.CHANGED: "it has changed since it was offered",
    FileFailure.TOO_MANY: "too many transfers go on: accept it again later",
    FileFailure.UNKNOWN: "it is not offered any more",
    FileFailure.ONCE: "it is sent to one receiver only, and to no one twice",
}
"""Sentences about why a transfer failed."""

LOST = "its transfer was cut, and it cannot be resumed"
"""Why a transfer that can be sent only once failed after a cut."""

RUNNING = ("accepted", "receiving", "interrupted")
"""The states in which the user wants the file and has not received all of it."""
GIVEN_UP = ("declined", "cancelled", "failed")
"""The states in which an offer may still be accepted, as long as it is open."""
ANSWERED = {
    "accepted": "is accepted already",
    "receiving": "is being received already",
    "interrupted": "goes on when both of you are here again",
    "done": "has arrived already",
    "withdrawn": "is not offered any more",
    "declined": "was declined already",
    "cancelled": "was cancelled already",
    "failed": "has failed already",
}
"""Why an offer in this state cannot be chosen."""
HINTS = {
    "accepted": "/cancel {} gives it up.",
    "receiving": "/cancel {} gives it up.",
    "interrupted": "/cancel {} gives it up.",
    "withdrawn": "Ask its sender to offer it again.",
    "done": "Its sender may offer it again.",
}
"""What the user can do then."""


def not_chosen(name: str, number: int, state: str) -> Usage:
    """Return the error for an offer that cannot be accepted or declined in its state."""
    return Usage(f"{clean(name)} {ANSWERED[state]}.", HINTS.get(state, "/transfers lists all.").format(number))
