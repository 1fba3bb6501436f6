"""Transports: bytes from one end to the other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Protocol, runtime_checkable

from plytalk.core.contracts.layer import Buffer, Layer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property


class Stream(ABC):
    """Bytes to and from one peer. It calls back with what arrives; it never blocks on sending.

    `peer` names the other end for display; `buffered` counts bytes accepted by `send` and not yet handed to the system; `full`
    says that there are so many that `drained` would wait.
    """

    peer: str = ""
    full: bool = False

    @abstractmethod
    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        """Hand every piece that arrives to `receive`, which must copy what it keeps; call `ended` once, with the error if one,
        and a second time with the error where the connection breaks after its end.

        Nothing is delivered before the first call; a later call replaces the receiver, which hears of an end that came before it.
        """

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send in one piece where the system allows; after the end, do nothing."""

    @property
    @abstractmethod
    def buffered(self) -> int:
        """How many bytes were sent and wait in this program, since the peer takes them slowly."""

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
        """Release everything, sending nothing more; calling it again does nothing."""

    def reset(self) -> None:
        """`close`, and where the transport can say it, say that what the peer sent last was not taken."""
        self.close()


class Listener(ABC):
    """A place where peers arrive: `address` is what to connect to, as (host, port) or a path."""

    address: str

    def screen(self, refuses: Callable[[str], bool]) -> None:  # noqa: B027  # optional
        """Ask `refuses` about a peer's address before anything is built for the peer, and close the connection of one it refuses.

        A listener that cannot ask this early leaves this as it is: the server asks again when it accepts.
        """

    def report(self, tell: Callable[[str], None]) -> None:  # noqa: B027  # optional
        """Call `tell` with a sentence when the address is out of reach, reached again, or another one from now on.

        Only a listener that gets its address from a relay or the like has something to tell.
        """

    @abstractmethod
    async def accept(self) -> Stream:
        """Wait for the next peer. Raises CannotConnect once the listener is closed."""

    @abstractmethod
    async def close(self) -> None:
        """Accept no more; streams already accepted live on."""


class Transport(Layer):
    """Carries bytes between two ends.

    class Memory(Transport):
        name = "memory"

        async def listen(self, host, port): ...   # -> Listener
        async def connect(self, host, port): ...  # -> Stream
    """

    kind = "transport"
    names_place: ClassVar[bool] = False
    """True where HOST is a name or path of this transport's own and there is no port."""
    only_place: ClassVar[str] = ""
    """What the one place is called where it can listen; empty where people choose."""
    covers: ClassVar[AbstractSet[Property]] = frozenset()
    """What it protects on the way, to where it ends: that may be a web server, so the stack does not count it as given."""
    guests: ClassVar[str] = ""
    """What those are called who come by it, where they speak the layers that it prefers and not the server's; empty elsewhere."""
    usual_port: ClassVar[int | None] = None
    """Where it listens when nobody says; None for the stack's own port."""
    is_given_address: ClassVar[bool] = False
    """True where a listener gets its address from a relay or the like, so that nobody can ask for one that is taken."""
    passes_names_on: bool = False
    """True where something else looks up the names of hosts, such as a proxy, and this machine is not to."""
    patience: float = 0.0
    """How many seconds a handshake may take at least, on a way that is slow or on which a person is asked first."""

    @abstractmethod
    async def listen(self, host: str, port: int) -> Listener:
        """Wait for peers at an address. Raises CannotConnect, saying what is in the way."""

    def guest_line(self, host: str, port: str) -> str:
        """What a guest types to come in, and how the guest knows this server; empty where guests need no line."""
        return ""

    @abstractmethod
    async def connect(self, host: str, port: int) -> Stream:
        """Reach a peer. Raises CannotConnect, saying what is in the way."""


@runtime_checkable
class PassesThrough(Protocol):
    """A transport through a third party, such as a relay: in the lab the attacker has that place."""

    @classmethod
    def attacked_as(cls) -> Sequence[str]:
        """Which of the lab's stacks, by their names, it also attacks over this transport."""

    def through(self) -> Mapping[Role, tuple[Stream, Stream]]:
        """For each side its stream, in memory, and the other end of that, which the third party has. Raises Usage where something
        is not installed.
        """
