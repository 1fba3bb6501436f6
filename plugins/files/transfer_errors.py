"""What can be wrong with a file that is sent or received. `told` is what the other side's user reads; it names no path."""

from plytalk.core.contracts.errors import LocalError, RemoteError


class TransferError(LocalError):
    """A file could not be sent or received."""

    told = "The other side cannot go on with this file."


class SourceChanged(TransferError):
    """The file was changed while it was being sent."""

    told = "The file was changed while it was being sent."
    hint = "Send it again when nothing writes to it."


class Unreadable(TransferError):
    """The file cannot be read."""

    told = "The other side cannot read the file any more."


class NotStored(TransferError):
    """The file cannot be written."""

    told = "The other side cannot write the file."


class NoSpace(NotStored):
    """There is not enough space for the file."""

    told = "The other side has not enough space for the file."
    hint = "Make room and let it be sent again: what has arrived is kept."


class BadTransfer(RemoteError):
    """The other side sent something that is not a valid transfer."""

    told = "What you sent does not match what you offered."


class BadOffer(BadTransfer):
    """The other side offered something that this side does not accept."""

    told = "Your offer was not understood."


class Damaged(BadTransfer):
    """What arrived is not what was offered: it was changed on the way, or at its source."""
