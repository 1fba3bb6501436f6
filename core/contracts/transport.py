"""Transports carry bytes from one end to the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol, runtime_checkable

from plytalk.core.contracts.layer import Buffer, Layer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property


class Stream(ABC):
    """Bytes to and from one peer. It calls back with what arrives; sending never blocks.

    `peer` names the other end for display; `buffered` is the number of bytes that `send` has accepted and the system has not;
    `full` says that there are so many that `drained` would wait.
    """

    peer: str = ""
    full: bool = False

    @abstractmethod
    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        """Call `receive` with every piece that arrives; it must copy what it keeps. Call `ended` once, with the error if there is
        one, and a second time, with the error, if the connection breaks after its end.

        Nothing is delivered before the first call; a later call replaces the receiver, which hears of an end that came before it.
        """

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send, in one piece if the system allows; after the end, do nothing."""

    @property
    @abstractmethod
    def buffered(self) -> int:
        """How many sent bytes wait in this program because the peer takes them slowly."""

    @property
    def undelivered(self) -> int:
        """How many bytes have not reached the other machine, as far as the system tells."""
        return self.buffered

    @abstractmethod
    async def drained(self) -> None:
        """Wait until the peer has taken enough that more may be sent."""

    @abstractmethod
    def pause(self) -> None:
        """Stop delivering until `resume`: the peer is held back by its own full buffers."""

    @abstractmethod
    def resume(self) -> None:
        """Deliver again, first what was held back."""

    @abstractmethod
    def finish(self) -> None:
        """Send what is buffered, then say that no more comes. The peer's bytes still arrive."""

    @abstractmethod
    def close(self) -> None:
        """Release everything and send nothing more. Calling it again does nothing."""

    def reset(self) -> None:
        """Close and, if the transport can, tell the peer that its last bytes were not read."""
        self.close()


class Listener(ABC):
    """Accepts peers. `address` is what to connect to, as (host, port) or a path."""

    address: str

    def screen(self, refuses: Callable[[str], bool]) -> None:  # noqa: B027  # optional
        """Ask `refuses` about a peer's address before anything is built for the peer, and close the connection of one it refuses.

        A listener that cannot ask this early leaves this as it is: the server asks again when it accepts.
        """

    def report(self, tell: Callable[[str], None]) -> None:  # noqa: B027  # optional
        """Call `tell` with a sentence when the address becomes unreachable, is reachable again, or changes.

        Only a listener that gets its address from a relay or the like has something to tell.
        """

    @abstractmethod
    async def accept(self) -> Stream:
        """Wait for the next peer. Raises CannotConnect once the listener is closed."""

    @abstractmethod
    async def close(self) -> None:
        """Accept no more. Streams already accepted stay open."""


class Transport(Layer):
    """Carries bytes between two ends.

    class Memory(Transport):
        name = "memory"

        async def listen(self, host, port): ...   # -> Listener
        async def connect(self, host, port): ...  # -> Stream
    """

    kind = "transport"
    names_place: ClassVar[bool] = False
    """Whether HOST is a name or path that only this transport understands, without a port."""
    only_place: ClassVar[str] = ""
    """The name of the only place where it can listen; empty if people choose one."""
    covers: ClassVar[AbstractSet[Property]] = frozenset()
    """What it protects up to its other end, which may be a web server: the stack does not count these as given."""
    guests: ClassVar[str] = ""
    """The mark of people who come by it, if they use the layers that it prefers and not the server's; otherwise empty."""
    usual_port: ClassVar[int | None] = None
    """Where it listens by default; None for the stack's own port."""
    is_given_address: ClassVar[bool] = False
    """Whether a listener gets its address from a relay or the like, so that no address can be taken already."""
    passes_names_on: bool = False
    """Whether something else, such as a proxy, looks up host names, so that this machine must not."""
    patience: float = 0.0
    """The least number of seconds to allow for a handshake, over a transport that is slow or asks a person first."""

    @abstractmethod
    async def listen(self, host: str, port: int) -> Listener:
        """Wait for peers at an address. Raises CannotConnect with the reason."""

    def guest_line(self, host: str, port: str) -> str:
        """Return what a guest types to join, and how the guest recognises this server; empty if guests need no line."""
        return ""

    @abstractmethod
    async def connect(self, host: str, port: int) -> Stream:
        """Connect to a peer. Raises CannotConnect with the reason."""


@runtime_checkable
class PassesThrough(Protocol):
    """A transport through a third party, such as a relay. In the lab the attacker is that party."""

    @classmethod
    def attacked_as(cls) -> Sequence[str]:
        """The names of the lab's stacks that the lab also attacks over this transport."""

    def through(self) -> Mapping[Role, tuple[Stream, Stream]]:
        """Return, for each side, its stream, in memory, and the third party's end of it. Raises Usage if something is not
        installed.
        """
