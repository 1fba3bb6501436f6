"""Optional Protocols, found by `isinstance`, for features that take the conversations of an endpoint."""

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
        """Talk until the conversation is over. Raises ChatError."""

    def interrupt(self) -> bool:
        """Say goodbye because the user interrupts. Return whether the other side may still receive something."""


@runtime_checkable
class MakesChat(Protocol):
    """A feature that makes the conversations of its endpoint, of a subclass of `DirectChat`."""

    def make_chat(self, connection: Any, **options: Any) -> Any:
        """Make the conversation over this connection, which is not open yet; `options` are those of `DirectChat`."""


@runtime_checkable
class RefusesStack(Protocol):
    """A feature with options that some stacks cannot fulfil."""

    def refuse_stack(self, stack: Any, role: Role) -> None:
        """Called before anything is opened. Raises ImpossibleStack if this stack cannot do what the options ask for."""


@runtime_checkable
class ClientFeature(Protocol):
    """A feature whose conversation, at a client, may use several connections one after another."""

    def begin(self, first: Any, connect: Callable[[], Awaitable[Any]], attend: Attend) -> LastingConversation:
        """Begin with this connection. `connect` opens another one and raises ChatError if that fails; `attend` talks over one
        until it is over and raises ChatError if a hook fails.
        """


class ServerStack(StackSummary, Protocol):
    """The parts of a server's stack that a feature needs."""

    @property
    def ui(self) -> Ui:
        """What the server's user sees and types into."""

    @property
    def features(self) -> Sequence[Feature]:
        """All features that were chosen."""


@runtime_checkable
class GroupFeature(Protocol):
    """A feature that joins all conversations of a server in a group, and takes them in place of the UI."""

    def refuse(self, identity: Identity | None) -> Refused | None:
        """Return why a key is not let in, or None if it is. Called at the end of its handshake."""

    def holds_role(self, identity: Identity | None) -> bool:
        """Return whether a full server reserves a place for this key, such as an operator's."""

    def attach(self, conversation: Conversation) -> None:
        """Take an open conversation. An exception ends this conversation."""

    def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
        """Return what lets the server's user take part in the group, from when the first member comes (at `address`) until the
        last leaves. When the user says `exit` it calls `leave`, which may end the other conversations.
        """
