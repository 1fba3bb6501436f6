"""How a conversation ended, and what its user reads about it."""

from enum import Enum

from msgspec import Struct

from plytalk.core.contracts.errors import Busy, ChatError, Exit, Refused, Removed, Truncated
from plytalk.core.contracts.items import Close, CloseReason
from plytalk.core.contracts.sanitise import clean

SENTENCES = {
    CloseReason.SAID_EXIT: "The other side said exit.",
    CloseReason.KICKED: "You were removed from the server.",
    CloseReason.BANNED: "You are banned from this server.",
    CloseReason.SHUTDOWN: "The server was stopped.",
    CloseReason.REFUSED: "The server does not let you in.",
    CloseReason.TOO_SLOW: "You were removed from the server: you did not read what was sent to you.",
    CloseReason.IDLE: "You were removed from the server: it is full and you were idle.",
    CloseReason.BUSY: "The server has no room just now.",
}
"""What the user reads if the peer sends no sentence."""
REMOVED = (CloseReason.KICKED, CloseReason.BANNED, CloseReason.TOO_SLOW, CloseReason.IDLE)
NOT_LET_IN = "Perhaps the server is full, or does not let you in: ask its owner what it says about you."
"""What to do about a server that said nothing, if its messages cannot carry reasons."""


class EndedBy(Enum):
    """The side that ended a conversation."""

    US = "us"
    THEM = "them"
    FAULT = "fault"


class Ending(Struct, frozen=True):
    """How a conversation ended: who ended it, a sentence for the user, the error if there was one, and the peer's reason."""

    by: EndedBy
    reason: str
    error: ChatError | None = None
    code: CloseReason = CloseReason.SAID_EXIT

    @property
    def exit_code(self) -> Exit:
        """The exit code of a program whose conversation has ended so."""
        return self.error.exit_code if self.error else Exit.OK

    @property
    def is_final(self) -> bool:
        """Whether the server refuses to let this member reconnect."""
        return self.code in (CloseReason.KICKED, CloseReason.BANNED, CloseReason.REFUSED, CloseReason.IDLE)


def ending_by_peer(goodbye: Close) -> Ending:
    """Return the ending that the peer's goodbye means. A reason that this version does not know counts as an ordinary goodbye."""
    code = CloseReason(goodbye.reason) if goodbye.reason in SENTENCES else CloseReason.SAID_EXIT
    sentence = clean(goodbye.sentence) or SENTENCES[code]
    if code in REMOVED:
        return Ending(EndedBy.THEM, sentence, Removed(sentence), code)
    if code in (CloseReason.REFUSED, CloseReason.BUSY):
        if goodbye.sentence:  # a stranger's words must not pass for this program's
            sentence = f"The server says: {sentence}"
        error = Refused(sentence) if code is CloseReason.REFUSED else Busy(sentence, "Try again later.")
        return Ending(EndedBy.THEM, sentence, error, code)
    return Ending(EndedBy.THEM, sentence, code=code)


def unheard() -> Ending:
    """Return the ending of a client whose server closed without saying anything, with messages that have no goodbye."""
    error = Truncated("The server closed the connection before it said anything.", NOT_LET_IN)
    return Ending(EndedBy.THEM, error.sentence, error)
