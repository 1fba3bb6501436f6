"""Errors, grouped by the side that caused them.

    ChatError
      LocalError          we, or our user, erred
        Usage               the command or its configuration is not valid        exit 2
        NotDone             a line or a command in the chat was refused          exit 1
        ImpossibleStack     the layers chosen cannot work together               exit 2
        CannotConnect       no connection, or no listening socket                exit 3
        OutputFailed        standard output cannot be written                    exit 1
        Shortage            the system has no file, thread or memory left        exit 1
        PluginError                                                              exit 7
          UnknownLayer        no layer of that name                              exit 2
          DuplicateLayer      two plugins claim one name
          BrokenPlugin        a plugin does not load or does not keep its contract
      RemoteError         the peer, or somebody between, erred
        Answered            it only wanted an answer, not a conversation         exit 1
        Tampered            a frame does not decrypt                             exit 1
        FrameTooLong        a length beyond the limit                            exit 1
        BadFrame            bytes that are not a frame                           exit 1
        HandshakeFailed                                                          exit 4
          TooSlow             the handshake took longer than it may
          Withdrawn           the peer left while the user was asked about it
          Busy                the server has no room just now
          Refused             the peer, or our check of the peer, said no
            WrongSecret         the two sides do not know the same secret
          UnknownPeer         a key never seen before, and nobody to ask
        ChangedPeer         the peer shows another key than before               exit 5
        StackMismatch       the two ends run different stacks                    exit 6
        Truncated           the connection ended in the middle                   exit 8
          NotReceived         the peer did not receive all that we sent
        Removed             the server ended our membership                      exit 9

The first paragraph of each docstring is what its user reads when nothing more precise is known; `hint` says what to do.
The *peer* is never told which of these happened: core/conversation/direct_chat.py closes the connection, whatever the reason.
"""

from enum import IntEnum
from inspect import cleandoc

from plytalk.core.contracts.sanitise import brief

REPORT_IT = "Run it as `chat --debug ...` and report what it shows."
"""The hint of an unexpected error."""


class Exit(IntEnum):
    """Exit codes of the `chat` command."""

    OK = 0
    """It ended well."""
    FAILED = 1
    """Any other failure."""
    USAGE = 2
    """The command or its configuration is not valid."""
    CONNECTION = 3
    """It could not connect, or could not listen."""
    HANDSHAKE = 4
    """The handshake failed, or the other side was refused."""
    CHANGED_PEER = 5
    """The other side shows another key than before."""
    STACK_MISMATCH = 6
    """The two sides run different stacks."""
    PLUGIN = 7
    """A plugin is broken."""
    TRUNCATED = 8
    """The connection was cut, or not everything was received: something that one of the two sides sent may be missing."""
    REMOVED = 9
    """The server removed this member: kicked, banned, too slow to read, or idle."""
    INTERRUPTED = 130
    """It was interrupted, by Ctrl-C."""


class ChatError(Exception):
    """Something went wrong."""

    exit_code: Exit = Exit.FAILED
    hint: str = ""

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message or cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " "))
        self.hint = hint or type(self).hint

    @property
    def sentence(self) -> str:
        """What the user reads, cleaned for any screen: what happened and, if something can be done, what to do."""
        return brief(f"{self} {self.hint}".strip())


class LocalError(ChatError):
    """This side made a mistake."""


class Usage(LocalError):
    """The command is not valid as given."""

    exit_code = Exit.USAGE


class ImpossibleStack(LocalError):
    """The layers chosen cannot work together."""

    exit_code = Exit.USAGE
    hint = "Change one of the two or leave it out: the program chooses what you do not. `chat plugins` lists the layers."


class CannotConnect(LocalError):
    """There is no connection."""

    exit_code = Exit.CONNECTION


class OutputFailed(LocalError):
    """Standard output cannot be written."""

    def __init__(self, message: str = "", hint: str = "", nobody_reads: bool = False) -> None:
        super().__init__(message, hint)
        self.nobody_reads = nobody_reads
        """Whether the program that reads from the pipe has ended, as `head` does."""


class Shortage(LocalError):
    """The system gives this program no more of something that it needs."""

    hint = "`ulimit -a` shows the limits."


class PluginError(LocalError):
    """A plugin is at fault."""

    exit_code = Exit.PLUGIN
    hint = "`chat plugins` shows what is installed and what is broken."


class UnknownLayer(PluginError):
    """No layer of that name is installed."""

    exit_code = Exit.USAGE


class DuplicateLayer(PluginError):
    """Two plugins claim the same name."""


class BrokenPlugin(PluginError):
    """The plugin does not load, or breaks its contract."""


class RemoteError(ChatError):
    """The other side broke the rules."""


class Answered(RemoteError):
    """The other side only wanted an answer, not a conversation, such as a browser that requests a page. It was answered."""


class Tampered(RemoteError):
    """A frame does not decrypt: it was changed in transit, or the two sides have different keys."""


class FrameTooLong(RemoteError):
    """The other side announced a frame longer than this side accepts."""

    hint = "Check that both sides run the same stack: `chat explain` names yours."


class BadFrame(RemoteError):
    """The other side sent bytes that are not a frame of this stack."""

    hint = "Check that both sides run the same stack: `chat explain` names yours."


class HandshakeFailed(RemoteError):
    """The handshake failed.

    `told` is what the user of the other side reads: a server tells it to a client that has finished the handshake, where the
    stack can carry it.
    """

    exit_code = Exit.HANDSHAKE
    hint = "Check that both sides run the same stack: `chat explain` names yours."

    def __init__(self, message: str = "", hint: str = "", told: str = "") -> None:
        super().__init__(message, hint)
        self.told = told or "This server does not let you in."


class TooSlow(HandshakeFailed):
    """The other side did not finish its handshake in time."""


class Withdrawn(HandshakeFailed):
    """The other side disconnected while you were asked about it, so the question is withdrawn."""

    hint = ""


class Busy(HandshakeFailed):
    """The server is full, or is talking to someone else."""

    hint = ""


class Refused(HandshakeFailed):
    """The other side was refused."""

    hint = ""


class WrongSecret(Refused):
    """The two sides do not know the same secret, or someone is between them."""

    hint = "Compare the code or key with the other side, and try again."


class UnknownPeer(HandshakeFailed):
    """The other side's key has not been seen before, and nobody could be asked whether to trust it."""

    hint = ""


class ChangedPeer(RemoteError):
    """The other side shows another key than before: someone may be between you and it."""

    exit_code = Exit.CHANGED_PEER


class StackMismatch(RemoteError):
    """The two sides run different stacks."""

    exit_code = Exit.STACK_MISMATCH


class Truncated(RemoteError):
    """The connection ended in the middle: something the other side sent may be missing."""

    exit_code = Exit.TRUNCATED
    hint = "Connect again and ask what was said last."


class NotReceived(Truncated):
    """The other side did not receive everything that was sent."""

    hint = "Connect again and send the rest."


class NotDone(LocalError):
    """Not everything was done: the reasons are shown above.

    `code` names the reason for programs, where there is one.
    """

    def __init__(self, message: str = "", hint: str = "", code: str = "failed") -> None:
        super().__init__(message, hint)
        self.code = code


class Removed(RemoteError):
    """You were removed from the server."""

    exit_code = Exit.REMOVED
