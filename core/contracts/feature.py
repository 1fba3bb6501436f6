"""Features: what lives beside a conversation."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.ui import Conversation, StackSummary, Ui


class ServerStack(StackSummary, Protocol):
    """The stack of a server: for the person there, its UI."""

    @property
    def ui(self) -> Ui: ...


class Feature(Layer):
    """Something that lives beside a conversation and hears of it by the hooks `session_opened` and `session_closed`.

    class Dice(Feature):
        name = "dice"
        commands = (Command("roll", "Roll the dice.", lambda call: call.tell_all(f"{call.sender} rolls {randint(1, 6)}.")),)

    It may bring slash commands for rooms.
    """

    kind = "feature"
    commands: ClassVar[Sequence[Command]] = ()
    hosts: ClassVar[bool] = False
    """Whether it brings a server's conversations together, and takes each of them from the UI when it opens."""

    def host(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
        """A place for the person at the server, from the first member that comes (at `address`) to the last that leaves.

        When its user says `exit` it calls `leave`, which ends the other conversations where that is what is meant.
        """
        raise NotImplementedError

    def turns_away(self, identity: Identity | None) -> Refused | None:
        """Why a server with this feature does not let a key in; None where it does. Asked before the client is let in."""
        return None

    def holds_role(self, identity: Identity | None) -> bool:
        """Whether a place in a full server is kept for this key, as for an operator's."""
        return False

    async def again(self, ending: Ending) -> bool:
        """Whether a client is to connect again after this ending; it may wait before it says so."""
        return False
