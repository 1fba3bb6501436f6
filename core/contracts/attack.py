"""Attacks: what an attacker on the network path between a client and a server can try. An attack is not a layer.

An attack sees every frame that passes and decides what becomes of it. It states which protections defeat it, and the predicted
outcome follows from that. The measured outcome follows from what both participants saw. An attack acts through `Interceptor` and
`AttackerConnection`, and judges its success by `Evidence` and `Participant`.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from inspect import cleandoc
from typing import ClassVar, Protocol

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handshake import Handshake, NegotiatingIO
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import FrameKind, Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Stream

CANARY = "canary-7f3a"
"""A part of every line that is said in the lab: an attack that shows it has read the line."""


class Outcome(StrEnum):
    """The outcome of an attack on a stack, in the words that the lab uses everywhere."""

    HELD = "held"
    """The attack failed or was noticed. For the control: the conversation arrived, and nobody was warned."""
    BROKEN = "broken"
    """The attack succeeded, and nobody noticed."""
    NOT_APPLICABLE = "not applicable"
    """The attack does not apply to this stack."""
    ERROR = "error"
    """A layer raised an exception that its contract does not allow."""


class Target(StrEnum):
    """What an attack is on. The lab shows the attacks on the same target together."""

    SECRECY = "what is said"
    LEAKS = "keys that leak"
    CONTENT = "what a message says"
    ORDER = "which messages arrive"
    END = "how it ends"
    IDENTITY = "who the other side is"
    HANDSHAKE = "the handshake"
    PROGRAM = "the program"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class InterceptedFrame:
    """A frame on its way from `sender` to the other side. `index` counts the sender's frames from 0, separately in the handshake
    and after it.
    """

    sender: Role
    index: int
    handshake: bool
    kind: FrameKind | None
    payload: bytes

    def is_message_from(self, role: Role) -> bool:
        """Whether this role sent it after the handshake."""
        return self.sender is role and not self.handshake


class AttackedStack(Protocol):
    """The layers under attack, as far as an attack may look at them."""

    @property
    def handshake(self) -> Handshake: ...

    @property
    def auths(self) -> Sequence[Authenticator]: ...

    @property
    def features(self) -> Sequence[Feature]: ...

    @property
    def classes(self) -> Mapping[str, Sequence[type[Layer]]]:
        """The layers' classes, by kind."""

    @property
    def gives(self) -> AbstractSet[Property]:
        """The properties that all layers together give."""


class AttackerConnection(Protocol):
    """The attacker's own connection in one role, under its own keys, through the layers of the stack."""

    @property
    def stream(self) -> Stream: ...

    @property
    def io(self) -> NegotiatingIO:
        """Return what a handshake talks through, for an attack that does the handshake itself."""

    @property
    def channel(self) -> Channel:
        """Return the channel of the authenticators, after the handshake."""

    @property
    def cipher(self) -> Cipher: ...

    @property
    def messages(self) -> Messages: ...

    async def shake_hands(self) -> SessionSecrets:
        """Do the handshake alone. Raises ChatError."""

    async def open(self) -> SessionSecrets:
        """Do the handshake and answer the other side's authenticators. Raises ChatError."""

    def say(self, *items: Item) -> None:
        """Pack, seal and send items."""

    async def hear(self) -> list[Item]:
        """Return the items of the next record. Raises ChatError."""


class Interceptor(Protocol):
    """The attacker's position on the network path. `streams` lead to the client and to the server; `frames` are those that have
    passed.
    """

    @property
    def stack(self) -> AttackedStack: ...

    @property
    def streams(self) -> Mapping[Role, Stream]: ...

    @property
    def frames(self) -> Sequence[InterceptedFrame]: ...

    def log(self, line: str) -> None:
        """Log what the attack did, as the rest of a sentence that begins with "the attacker"."""

    def forward(self, frame: InterceptedFrame) -> None:
        """Let a frame pass unchanged."""

    def send(self, to: Role, kind: FrameKind | None, payload: bytes) -> None:
        """Send a frame that the attack made. Without a kind it is a message."""

    def send_raw(self, to: Role, data: bytes) -> None:
        """Send bytes that need not be a frame."""

    def encode(self, kind: FrameKind | None, payload: bytes) -> bytes:
        """Return the bytes of a frame."""

    def close(self, to: Role) -> None:
        """Close the connection to one participant, as if the other had closed it."""

    def cut(self) -> None:
        """Close the connections to both."""

    async def connect(self, keys_of: Role = Role.RESPONDER, leaked: bool = False) -> Stream:
        """Open a new stream to the server; in the lab also to a server that has the client's keys or a copy of its files. Raises
        CannotConnect.
        """

    async def impersonate(self, role: Role, stream: Stream | None = None, leaked: bool = False) -> AttackerConnection:
        """Take a role, over `stream` or in place of the participant that has the role. The handshake has not been done yet. With
        `leaked` the attacker has that participant's files. Raises LocalError outside the lab, where nothing leaks.
        """

    async def impersonate_both(self) -> tuple[AttackerConnection, AttackerConnection]:
        """Open connections to the client and to the server, each in the role of the other. Raises ChatError."""


class Participant(Protocol):
    """What the client's or the server's user said, and what that user was shown, asked and warned of."""

    @property
    def said(self) -> Sequence[str]: ...

    @property
    def shown(self) -> Sequence[str]: ...

    @property
    def asked(self) -> Sequence[str]: ...

    @property
    def alarms(self) -> Sequence[str]: ...

    @property
    def opened(self) -> bool: ...

    @property
    def ended_cleanly(self) -> bool:
        """Whether the conversation ended, and without an error."""


class Evidence(Protocol):
    """What is known after an attacked conversation."""

    @property
    def participants(self) -> Mapping[Role, Participant]: ...

    @property
    def later(self) -> Sequence[Participant]:
        """The server's participant in each conversation that the attacker began."""

    @property
    def frames(self) -> Sequence[InterceptedFrame]: ...

    @property
    def alarmed(self) -> bool:
        """Whether a participant was warned."""

    @property
    def learned(self) -> Sequence[str]:
        """How an eavesdropper can read this conversation; empty if none can."""

    def faithful(self, sender: Role) -> bool:
        """Whether the other side saw exactly what `sender` said, each line once and in order."""

    def forged(self, receiver: Role) -> Sequence[bytes]:
        """What the receiver's cipher accepted although the other side never sealed it."""


class Attack(ABC):
    """Something that an attacker on the network path does. The docstring says what, and why it can work.

    class Drop(Attack):
        name = "drop"
        threat = "A04"
        reference = "Terrapin, CVE-2023-48795"
        defences = {Property.ORDER}
        def handle_frame(self, interceptor, frame):
            if not frame.is_message_from(Role.INITIATOR) or frame.index != 1:
                interceptor.forward(frame)
        def succeeded(self, evidence):
            return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed

    The attack fails on a stack that gives all of `defences`. `threat` names its row in the table of threats, `reference` a known
    case of it. A new object, with its own random numbers, is created for each conversation that it attacks.
    """

    kind: ClassVar[str] = "attack"
    name: ClassVar[str]
    threat: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    target: ClassVar[Target] = Target.OTHER
    defences: ClassVar[AbstractSet[Property]] = frozenset()
    victims: ClassVar[AbstractSet[Role]] = frozenset({Role.INITIATOR})
    """The roles whose stacks decide the prediction. One that defends itself is enough."""
    remote: ClassVar[bool] = False
    """Whether the participants see each other at addresses of other machines; otherwise both are on this one."""
    shared_terminal: ClassVar[bool] = False
    """Whether one user answers at one terminal for all of the server's conversations; otherwise each has its own user."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeatable, not secret

    @classmethod
    def summary(cls) -> str:
        """The first line of the attack's docstring."""
        return cleandoc(cls.__doc__ or cls.name).splitlines()[0]

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        """Whether the attack applies to the stack."""
        return True

    @classmethod
    def predict(cls, stack: AttackedStack) -> Outcome:
        """Return the outcome that follows from what the layers state."""
        if not cls.applies(stack):
            return Outcome.NOT_APPLICABLE
        return Outcome.HELD if cls.defences <= stack.gives else Outcome.BROKEN

    async def start(self, interceptor: Interceptor) -> bool:
        """Called first. If it returns True, the attack talks to both sides itself, and `handle_frame` is not called."""
        return False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        """Decide about a frame. It reaches the other side only if this calls `interceptor.forward` or `interceptor.send`."""
        interceptor.forward(frame)

    def handle_close(self, interceptor: Interceptor, sender: Role) -> None:
        """Called when one side has closed its connection."""
        interceptor.close(sender.other)

    async def finish(self, interceptor: Interceptor) -> None:  # noqa: B027 - most attacks are over by then
        """Called when the conversation is over, to use what was recorded in conversations that the attack begins."""

    @abstractmethod
    def succeeded(self, evidence: Evidence) -> bool:
        """Whether the attacker got what it wanted, unnoticed."""
