"""The errors of sending and receiving files."""

from plytalk.core.contracts.errors import REPORT_IT, ChatError, LocalError, RemoteError
from plytalk.core.contracts.shortage import shortage


class TransferError(LocalError):
    """A file could not be sent or received."""


class SourceChanged(TransferError):
    """The file was changed while it was being sent."""

    hint = "Send it again when nothing writes to it."


class Unreadable(TransferError):
    """The file cannot be read."""


class NotStored(TransferError):
    """The file cannot be written."""


class NoSpace(NotStored):
    """There is not enough space for the file."""

    hint = "Make room and accept it again."


class BadTransfer(RemoteError):
    """The other side sent something that is not a valid transfer."""


class BadOffer(BadTransfer):
    """The other side offered something that this side does not accept."""


class Damaged(BadTransfer):
    """What arrived is not what was offered: it was changed in transit, or at its source."""


def explained(error: Exception) -> ChatError:
    """Return an error that a user understands, in place of any other."""
    if isinstance(error, ChatError):
        return error
    return shortage(error) or ChatError(f"Unexpected error: {type(error).__name__}.", REPORT_IT)
