"""What an endpoint needs from a feature that takes its conversations: optional Protocols, found by `isinstance`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.ui import Conversation, StackSummary, Ui

Attend = Callable[[Any], Awaitable[Ending]]


class LastingConversation(Conversation, Protocol):
    """A conversation that may outlive a connection."""

    async def over(self) -> Ending:
        """Talk until all is over. Raises ChatError."""

    def interrupt(self) -> bool:
        """Say goodbye, since the user interrupts; whether the other side may still receive something."""


@runtime_checkable
class MakesChat(Protocol):
    """A feature that makes the conversations of its endpoint, of a subclass of `DirectChat`."""

    def make_chat(self, connection: Any, **options: Any) -> Any:
        """Make the conversation over this connection, which has not opened yet; `options` are those of `DirectChat`."""


@runtime_checkable
class RefusesStack(Protocol):
    """A feature whose options not every stack can fulfil."""

    def refuse_stack(self, stack: Any, role: Role) -> None:
        """Called before anything is opened. Raises ImpossibleStack where this stack cannot do what the options ask for."""


@runtime_checkable
class ClientFeature(Protocol):
    """A feature that talks over as many connections as a client's conversation needs."""

    def begin(self, first: Any, connect: Callable[[], Awaitable[Any]], attend: Attend) -> LastingConversation:
        """Begin with this connection. `connect` opens another one, and `attend` talks over one until it is over.

        `connect` raises ChatError where none comes about; `attend` where a hook fails.
        """


class ServerStack(StackSummary, Protocol):
    """The stack of a server: for the person there, its UI."""

    @property
    def ui(self) -> Ui:
        """What the server's user sees and types into."""

    @property
    def features(self) -> Sequence[Feature]:
        """All features that were chosen."""


@runtime_checkable
class GroupFeature(Protocol):
    """A feature that brings all conversations of a server together, and takes them in place of the UI."""

    def refuse(self, identity: Identity | None) -> Refused | None:
        """Why a key is not let in; None where it is. Asked at the end of its handshake."""

    def holds_role(self, identity: Identity | None) -> bool:
        """Whether a place in a full server is reserved for this key, as for an operator's."""

    def attach(self, conversation: Conversation) -> None:
        """Take a conversation that has opened. An exception ends this conversation."""

    def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
        """The part of the server's user in the group, from the first member that comes (at `address`) to the last that leaves.

        When the user says `exit` it calls `leave`, which ends the other conversations where that is what is meant.
        """
