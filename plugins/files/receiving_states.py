"""The states of an incoming transfer, and sentences about them."""

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.file_items import FileFailure
from plytalk.plugins.files.transfer_states import TransferState

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

RUNNING = (TransferState.ACCEPTED, TransferState.RECEIVING, TransferState.INTERRUPTED)
"""The states in which the user wants the file and has not received all of it."""
GIVEN_UP = (TransferState.DECLINED, TransferState.CANCELLED, TransferState.FAILED)
"""The states in which an offer may still be accepted, as long as it is open."""
ANSWERED = {
    TransferState.ACCEPTED: "is accepted already",
    TransferState.RECEIVING: "is being received already",
    TransferState.INTERRUPTED: "goes on when both of you are here again",
    TransferState.DONE: "has arrived already",
    TransferState.WITHDRAWN: "is not offered any more",
    TransferState.DECLINED: "was declined already",
    TransferState.CANCELLED: "was cancelled already",
    TransferState.FAILED: "has failed already",
}
"""Why an offer in this state cannot be chosen."""
HINTS = {
    TransferState.ACCEPTED: "/cancel {} gives it up.",
    TransferState.RECEIVING: "/cancel {} gives it up.",
    TransferState.INTERRUPTED: "/cancel {} gives it up.",
    TransferState.WITHDRAWN: "Ask its sender to offer it again.",
    TransferState.DONE: "Its sender may offer it again.",
}
"""What the user can do then."""


def not_chosen(name: str, number: int, state: TransferState) -> Usage:
    """Return the error for an offer that cannot be accepted or declined in its state."""
    return Usage(f"{clean(name)} {ANSWERED[state]}.", HINTS.get(state, "/transfers lists all.").format(number))
