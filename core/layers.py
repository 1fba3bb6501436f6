"""The contracts: one class for each kind of layer. Each docstring holds a layer that one can copy.

Five words a newcomer needs. A *stream* carries bytes; a *frame* is a piece of the stream with borders; a *handshake* talks in
frames until both ends hold *secrets*; a *cipher* seals what is said; *messages* turn words into plaintext and back.

    out:  UI -> messages.pack -> cipher.seal -> framer.encode -> stream.send
    in:   stream -> framer.feed, framer.frames -> cipher.open -> messages.unpack -> UI

Transports, handshakes, authenticators and UIs are made once for a process, with their options; framers, ciphers and
messages are made anew for each conversation, so that what they keep on `self` belongs to that conversation alone.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from plytalk.core.commands import Command
from plytalk.core.errors import UnknownPeer, Usage
from plytalk.core.keys import Identity, Peer, Role, Secrets
from plytalk.core.limits import KIB
from plytalk.core.messages import EXIT, Item
from plytalk.core.properties import Property

if TYPE_CHECKING:
    from plytalk.core.session import Ending
    from plytalk.core.stack import Stack
    from plytalk.core.target import Finding, Target
    from plytalk.core.wire import Channel, Wire

Buffer = bytes | bytearray | memoryview
Kind = bytes
Frame = tuple[Kind | None, bytes]


@dataclass(frozen=True)
class Option:
    """A command-line option that a layer brings: `--NAME`; its value reaches the layer's constructor as a keyword argument.

    `type` is bool (a flag), int, str or pathlib.Path. `chooses` says that giving the option chooses its layer, so that
    `--peer SHA256:...` needs no `--auth peer` beside it; this is for layers that come with plytalk. `role` is the end that
    alone takes it: the other end's command refuses it, and its help is silent about it.
    """

    name: str
    help: str
    type: type = str
    default: Any = None
    metavar: str | None = None
    chooses: bool = False
    role: Role | None = None

    @property
    def keyword(self) -> str:
        return self.name.replace("-", "_")


class Layer(ABC):
    """What all layers state about themselves: from it the program refuses, warns, explains and predicts.

    `needs` must be given by the other layers of the stack, `gives` is what this one adds, `prefers` names the layers of
    other kinds that go with it when nothing else is chosen, `caution` is a sentence that `chat explain` adds.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Property]] = frozenset()
    gives: ClassVar[AbstractSet[Property]] = frozenset()
    prefers: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[Sequence[Option]] = ()
    caution: ClassVar[str] = ""

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> "type[Self]":
        """The layer as these options make it: itself, or a subclass that states truthfully what is left of `gives`."""
        return cls

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        """Called once, before the first conversation of this end: load keys, check files. Gives sentences for the user.

        `secret(prompt)` asks for a passphrase, and raises UnknownPeer where nobody can be asked. Not called for framers, ciphers
        and messages.
        """
        return ()

    @classmethod
    def summary(cls) -> str:
        """The first line of the layer's docstring."""
        return cleandoc(cls.__doc__ or cls.name).splitlines()[0]


Failed = list[tuple[int, Exception]]
"""What went wrong where something was done for many: the numbers of those, and what was raised."""


def attempt(number: int, failed: Failed, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it for one of many; that it raises is nobody else's concern."""
    try:
        return function(*arguments)
    except Exception as error:
        failed.append((number, error))


class Stream(ABC):
    """Bytes to and from one peer. It calls back with what arrives; it never blocks on sending.

    `peer` names the other end for display; `buffered` counts bytes accepted by `send` and not yet handed to the system; `full`
    says that there are so many that `drained` would wait.
    """

    peer: str = ""
    full: bool = False

    @abstractmethod
    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        """Hand every piece that arrives to `receive`, which must copy what it keeps; call `ended` once, with the error if one.

        Nothing is delivered before the first call; a later call replaces the receiver, which hears of an end that came before it.
        """

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send in one piece where the system allows; after the end, do nothing."""

    @staticmethod
    def send_each(streams: Sequence[Any], pieces: Sequence[bytes], failed: "Failed") -> list[int]:
        """`send` a piece over each of many of this class: see `Cipher.seal_each`. Gives the numbers of those that are full."""
        for number, (stream, piece) in enumerate(zip(streams, pieces, strict=True)):
            attempt(number, failed, stream.send, piece)
        return [number for number, stream in enumerate(streams) if stream.full]

    @property
    @abstractmethod
    def buffered(self) -> int: ...

    @abstractmethod
    async def drained(self) -> None:
        """Wait until the peer has taken enough that more may be sent."""

    @abstractmethod
    def pause(self) -> None:
        """Stop delivering until `resume`: the peer is held back by its own full buffers."""

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def finish(self) -> None:
        """Send what is buffered, then say that no more comes. The peer's bytes still arrive."""

    @abstractmethod
    def close(self) -> None:
        """Release everything, sending nothing more; calling it again does nothing."""


class Listener(ABC):
    """A place where peers arrive: `address` is what to connect to, as (host, port) or a path."""

    address: str

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

    @abstractmethod
    async def listen(self, host: str, port: int) -> Listener:
        """Wait for peers at an address. Raises CannotConnect, saying what is in the way."""

    @abstractmethod
    async def connect(self, host: str, port: int) -> Stream:
        """Reach a peer. Raises CannotConnect, saying what is in the way."""


class Framer(Layer):
    """Cuts a stream of bytes into frames.

    class Length(HeaderFramer):
        name = "length"
        gives = {BORDERS}
        header = Struct(">I")

    Most framers put a header before each frame: derive from `plytalk.core.framing.HeaderFramer` and name the header.
    """

    kind = "framer"
    limit: int = 8 * KIB
    """The longest payload accepted, in bytes: raised by the session once the handshake is done."""

    @abstractmethod
    def encode(self, kind: Kind, payload: bytes) -> bytes:
        """One frame, ready to send. `kind` is one byte; framers without types drop it."""

    @staticmethod
    def encode_each(framers: Sequence[Any], kind: Kind, payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
        """`encode` a payload with each of many of this class: see `Cipher.seal_each`."""
        pairs = zip(framers, payloads, strict=True)
        return [attempt(number, failed, framer.encode, kind, payload) or b"" for number, (framer, payload) in enumerate(pairs)]

    @abstractmethod
    def feed(self, data: Buffer) -> None:
        """Take in bytes as they came, however they were cut."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Give the complete frames, one at a time; one that is not taken stays for the next call.

        Raises FrameTooLong as soon as a header says so, before anything is allocated; BadFrame for what is no frame.
        """

    @property
    @abstractmethod
    def unfinished(self) -> int:
        """How many bytes are held here: those of frames not taken yet, and of the beginning of the next one."""

    def fields(self, kind: Kind | None, payload: bytes) -> Mapping[str, str]:
        """What a frame says before its payload, for whoever inspects a trace."""
        return {"length": str(len(payload))}


class Handshake(Layer):
    """Talks in frames until both ends hold the same secrets. It sees no socket, no clock and no screen.

    class Psk(Handshake):
        name = "hello"
        gives = {KEYS}

        async def initiate(self, wire):
            await wire.send(b"H", b"hello")
            return Secrets.shared(await wire.receive(b"K", limit=32))

        async def respond(self, wire):
            await wire.receive(b"H", limit=8)
            ...

    A side that sees the other's key calls `await wire.ask(Identity(...))` before its first secret byte leaves; `shows` names
    the roles whose key the other side gets to see this way. `speaks_first` is the role that sends the first frame; `identity`
    is the key that this side shows, where it has one.
    """

    kind = "handshake"
    shows: ClassVar[AbstractSet[Role]] = frozenset()
    speaks_first: ClassVar[Role | None] = None
    identity: Identity | None = None
    steps: ClassVar[Mapping[Kind, str]] = {}
    """The names of its messages by the kind of their frames, for whoever inspects a trace."""
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Options worth a row of their own in the lab's matrix, by a short name; empty for none."""

    def fields(self, kind: Kind, payload: bytes) -> Mapping[str, str]:
        """What is in a handshake message as far as it can be read without a key, for whoever inspects a trace."""
        return {}

    @abstractmethod
    async def initiate(self, wire: "Wire") -> Secrets:
        """The client's side. Raises RemoteError for anything the peer does wrong."""

    @abstractmethod
    async def respond(self, wire: "Wire") -> Secrets:
        """The server's side. Raises RemoteError for anything the peer does wrong."""

    async def audit(self, target: "Target") -> "AsyncIterator[Finding]":
        """What a stranger finds out about a server of this handshake, for `chat audit`; nothing unless it is defined.

        Called without `ready`. Raises RemoteError where the server does not speak this handshake, CannotConnect where it is gone.
        """
        return
        yield


class Cipher(Layer):
    """Seals plaintext into what goes on the wire, and opens it again.

    class Plain(Cipher):
        name = "none"

        def __init__(self, secrets, role): ...
        def seal(self, plaintext): return plaintext
        def open(self, sealed): return sealed

    `tolerant` says what happens after a frame that does not open: go on (as the existing chats do), or end, the default.
    """

    kind = "cipher"
    overhead: ClassVar[int] = 0
    """Bytes that `seal` adds, at most."""
    tolerant: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, secrets: Secrets, role: Role, **options: Any) -> None:
        """Made once for a conversation. Raises ChatError where the secrets do not fit."""

    @abstractmethod
    def seal(self, plaintext: bytes) -> bytes: ...

    @staticmethod
    def seal_each(ciphers: Sequence[Any], plaintext: bytes, failed: Failed) -> list[bytes]:
        """`seal` one plaintext with each of many of this class: a layer that can do it in a faster loop redefines it.

        Where one raises, its place is empty, and `failed` learns its number and the error.
        """
        return [attempt(number, failed, cipher.seal, plaintext) or b"" for number, cipher in enumerate(ciphers)]

    @abstractmethod
    def open(self, sealed: bytes) -> bytes:
        """Raises Tampered for whatever `seal` did not make, and nothing else."""


class Messages(Layer):
    """Turns what people say into plaintext and back.

    class Text(Messages):
        name = "text"

        def pack(self, items): return [item.encode() for item in items]
        def unpack(self, plaintext): return [plaintext.decode()]

    An item is a `str` (something said) or one of the classes in `plytalk.core.messages`.
    """

    kind = "messages"
    extensible: ClassVar[bool] = False
    """Whether it carries `Extension` items, the types that features bring."""

    def __init__(self, borders: bool, **options: Any) -> None:
        self.borders = borders

    def passed(self, count: int) -> None:
        """So many plaintexts go out here that another object of this class packed, once for many conversations."""

    def prepare(self, text: str) -> str | None:
        """What is really said when the user types `text`; None for nothing at all."""
        return text

    @abstractmethod
    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        """Plaintexts for all that is said within one turn, in order."""

    @abstractmethod
    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        """What a plaintext says. Raises RemoteError where it says nothing sensible."""

    def fields(self, plaintext: bytes) -> Mapping[str, str]:
        """What is in a plaintext, for whoever inspects a trace. Unlike `unpack`, it changes nothing and never raises."""
        return {"text": plaintext.decode(errors="replace")}


class Authenticator(Layer):
    """Decides whether the key the other side showed is the right one. All chosen ones must agree.

    class Fixed(Authenticator):
        name = "fixed"
        needs = {PEER_KEY}
        gives = {PEER_IDENTITY}

        async def check(self, peer):
            if peer.identity.fingerprint != EXPECTED:
                raise ChangedPeer(f"{peer.address} shows the key {peer.identity.fingerprint}.")

    `judges` names the roles in which it can work. Returning means yes; every exception means no. There are three moments, in
    this order, and an authenticator defines those it needs:

    `agree` before the handshake, to bring a pre-shared key into it: `agrees` names the method, which both sides must have;
    `check` when the other side's key is known, before anything secret leaves; `verify` when the handshake is done, over the
    sealed channel, which both sides must then use alike.
    """

    kind = "auth"
    judges: ClassVar[AbstractSet[Role]] = frozenset(Role)
    agrees: ClassVar[str] = ""
    other_side: str = ""
    """What the other side must add to its command, for the line that `chat serve` prints; empty for nothing."""

    @property
    def spent(self) -> str:
        """Why nobody can pass any more, as a sentence; empty while somebody can. A server that reads it ends."""
        return ""

    async def agree(self, wire: "Wire", role: Role) -> bytes:
        """A pre-shared key of 32 bytes, for handshakes that take one. Only called where `agrees` names a method."""
        raise NotImplementedError

    async def check(self, peer: Peer) -> None:
        """Raises UnknownPeer, ChangedPeer or Refused to end the handshake here."""

    def admit(self, key: str, name: str) -> str:
        """Let a key (`TYPE BASE64`) in from now on, where this goes by a list; a sentence for whoever asked. May block.

        Raises Usage where it goes by no list.
        """
        raise Usage(f"--auth {self.name} goes by no list.")

    async def verify(self, channel: "Channel", peer: Peer) -> None:
        """Raises Refused or WrongSecret to end the conversation before it begins."""


class Hearer(Protocol):
    """Who hears what the other side says: a UI, or what a feature puts in its place.

    What reaches `message` and `notice` has passed the sanitiser, except for one that says `raw`.
    """

    @property
    def raw(self) -> bool: ...

    def message(self, text: str) -> None:
        """The other side said something."""

    def notice(self, sentence: str) -> None:
        """Something about the conversation that the user should know."""


class Conversation(Protocol):
    """What a UI talks to: a session, or somebody's seat in a room."""

    stack: "Stack"
    address: str
    ending: "Ending | None"

    def say(self, text: str) -> None:
        """Say a line, as it was typed; `exit` ends the conversation."""

    async def drain(self) -> None:
        """Wait until more may be said."""

    def exit(self, text: str = EXIT) -> None:
        """Say goodbye and end the conversation."""

    def notice(self, sentence: str) -> None:
        """Tell the user."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something that happened among several: `text` as a screen shows it, and for programs what it was made of.

    `id` counts within the room, `time` is in milliseconds since 1970, `marks` say what is weak about the sender's connection, and
    `own` that this user caused it.
    """

    text: str
    kind: str
    sender: str
    body: str
    id: int = 0
    time: int = 0
    marks: Sequence[str] = ()
    own: bool = False


class Ui(Layer):
    """Shows a conversation and takes what is typed.

    class Echo(Ui):
        name = "echo"

        async def run(self, session):
            while line := await next_line():
                session.say(line)
                await session.drain()
            session.exit()

        def message(self, text): print(text)

    What reaches `message` and `notice` has passed the sanitiser, except for a UI that says `raw` because its own output
    escapes every control character.
    """

    kind = "ui"
    raw: ClassVar[bool] = False
    present: ClassVar[bool] = True
    """Whether somebody sits here who could be asked, and would be missed in a room."""

    @abstractmethod
    async def run(self, session: "Conversation") -> None:
        """Read what is typed and say it, until end of input. Cancelled when the conversation ends first."""

    @abstractmethod
    def message(self, text: str) -> None:
        """The other side said something."""

    @abstractmethod
    def notice(self, sentence: str) -> None:
        """Something about the conversation that the user should know; goes to standard error."""

    def waiting(self, address: str) -> None:
        """The server listens at an address."""

    def opened(self, session: "Conversation") -> None:
        """A conversation begins."""

    def closed(self, session: "Conversation", ending: "Ending") -> None:
        """The conversation is over."""

    def event(self, said: Said) -> None:
        """Something happened among several people: somebody spoke, came or left."""
        self.message(said.text)

    async def confirm(self, question: str, otherwise: str) -> bool:
        """Ask the person for yes or no. Raises UnknownPeer where nobody can be asked: never a yes by itself."""
        raise UnknownPeer(f"{question} Nobody can be asked here.", otherwise)


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

    def host(self, stack: "Stack", address: str, leave: Callable[[], None]) -> "Conversation":
        """A seat for whoever sits at the server, from the first that comes (at `address`) to the last that leaves.

        When its user says `exit` it calls `leave`, which ends the other conversations where that is what is meant.
        """
        raise NotImplementedError

    async def again(self, ending: "Ending") -> bool:
        """Whether a client is to connect again after this ending; it may wait before it says so."""
        return False

    async def release(self) -> None:
        """Called once, when this end is done: close what `ready` opened."""


KINDS: Mapping[str, type[Layer]] = {
    base.kind: base for base in (Transport, Framer, Handshake, Cipher, Messages, Authenticator, Ui, Feature)
}
REPEATABLE = frozenset({"auth", "feature"})
Asker = Callable[[str, str], Awaitable[bool]]
