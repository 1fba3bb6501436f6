"""What an attack is. One file an attack, in `plugins/attacks/` or a stranger's package.

An attack sees every frame that passes between the two ends and decides what becomes of it. It states which protections must all
be given for it to fail: from that comes the prediction, before anything has run. Whether it succeeded is judged afterwards, by
what the two people saw.
"""

import asyncio
import random
from abc import abstractmethod
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.layer import Kind, Layer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.stack.selection import Stack

if TYPE_CHECKING:
    from plytalk.lab.attacks.interceptor import Interceptor
    from plytalk.lab.attacks.run import Evidence


class Outcome(StrEnum):
    """What becomes of an attack on a stack."""

    DETECTED = "detected"
    UNDETECTED = "undetected"
    NOT_APPLICABLE = "not applicable"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Passing:
    """A frame on its way from `sender` to the other end: the `index`-th (from 0) that it sent, in the handshake or after it."""

    sender: Role
    index: int
    handshake: bool
    kind: Kind | None
    payload: bytes


class Attack(Layer):
    """Something an attacker between the two ends does. The docstring tells its story; `reference` where it was met in life.

    class Drop(Attack):
        name = "drop"
        row = "A04"
        reference = "Terrapin, CVE-2023-48795"
        defences = {ORDER}

        def frame(self, middle, passing):
            if passing.handshake or passing.index != 1:
                middle.forward(passing)

        def succeeded(self, evidence):
            return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed

    `defences` must all be given by a stack for the attack to fail. `row` names it in the table of threats. Created again, with
    its own random numbers, for each conversation it attacks.
    """

    kind = "attack"
    row: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    defences: ClassVar[AbstractSet[Property]] = frozenset()
    victims: ClassVar[AbstractSet[Role]] = frozenset({Role.INITIATOR})
    """The ends by whose stacks it is predicted what happens: it is enough that one of them defends itself."""
    far: ClassVar[bool] = False
    """Whether the ends see each other at addresses of other machines; otherwise both are on this one."""
    one_person: ClassVar[bool] = False
    """Whether the server's person is asked at one terminal about all who connect; otherwise each has a person to itself."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeatable, not secret

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        """Whether there is anything to attack: no handshake is to be forged where there is none."""
        return True

    @classmethod
    def predict(cls, stack: Stack) -> Outcome:
        """What the layers' own statements say will happen."""
        if not cls.applies(stack):
            return Outcome.NOT_APPLICABLE
        return Outcome.DETECTED if cls.defences <= stack.gives else Outcome.UNDETECTED

    def frame(self, interceptor: "Interceptor", passing: Passing) -> None:
        """A frame has come from one end; it reaches the other only by `middle.forward` or `middle.send`."""
        interceptor.forward(passing)

    def end(self, interceptor: "Interceptor", sender: Role) -> None:
        """One end has closed its side."""
        interceptor.close(sender.other)

    async def between(self, interceptor: "Interceptor") -> bool:
        """Called before anything passes. True takes over: the attack itself talks to both ends, and `frame` is not called."""
        return False

    async def after(self, interceptor: "Interceptor") -> None:
        """Called when the conversation is over: what was recorded can be used now, in conversations of the attacker's own."""

    @abstractmethod
    def succeeded(self, evidence: "Evidence") -> bool:
        """Whether the attacker got what it wanted, unnoticed."""


class Tampering(Attack):
    """An attack that changes one frame of the client, drawn by the seed, and passes it on; `deed` says how, for the log."""

    row = "A06"
    reference = "Aircrack and WEP's linear checksum, 2001"
    defences = {Property.INTEGRITY}
    deed: ClassVar[str]

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    @abstractmethod
    def changed(self, payload: bytes) -> bytes:
        """What the server gets in place of the payload."""

    def frame(self, interceptor: "Interceptor", passing: Passing) -> None:
        if passing.sender is not Role.INITIATOR or passing.handshake or passing.index != self._at:
            interceptor.forward(passing)
            return
        interceptor.log(f"{self.deed} the client's frame {self._at}")
        interceptor.send(Role.RESPONDER, passing.kind or MESSAGE, self.changed(passing.payload))

    def succeeded(self, evidence: "Evidence") -> bool:
        """What was accepted counts, whatever the layers above make of it: that a changed text is not UTF-8 is luck."""
        unnoticed = not evidence.faithful(Role.INITIATOR) and not evidence.alarmed
        return unnoticed or bool(evidence.forged(Role.RESPONDER))


class Editing(Attack):
    """An attack that edits the first handshake frame of one side, `whose`, on its way."""

    whose: ClassVar[Role] = Role.INITIATOR

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._edited = False

    @abstractmethod
    def edited(self, payload: bytes) -> bytes:
        """What arrives in place of the payload."""

    def frame(self, interceptor: "Interceptor", passing: Passing) -> None:
        if not passing.handshake or passing.sender is not self.whose or passing.index:
            interceptor.forward(passing)
            return
        edited = self.edited(passing.payload)
        self._edited = edited != passing.payload
        interceptor.log(f"edited the {self.whose.value}'s first handshake frame: {edited!r}")
        interceptor.send(self.whose.other, passing.kind or MESSAGE, edited)

    def succeeded(self, evidence: "Evidence") -> bool:
        return self._edited and all(evidence.faithful(role) for role in Role) and not evidence.alarmed


class Takeover(Attack):
    """An attack that talks to both ends itself, in `take`; where it gets no further, both connections end."""

    async def between(self, interceptor: "Interceptor") -> bool:
        self._taking = asyncio.create_task(self._take(interceptor))
        return True

    async def _take(self, interceptor: "Interceptor") -> None:
        try:
            await self.take(interceptor)
        except (ChatError, ExceptionGroup):
            interceptor.cut()

    @abstractmethod
    async def take(self, interceptor: "Interceptor") -> None:
        """Talk to both ends. A ChatError means that an end refused."""

    async def after(self, interceptor: "Interceptor") -> None:
        self._taking.cancel()
        with suppress(asyncio.CancelledError):
            await self._taking


class Holding(Takeover):
    """An attack that connects to the server and, in `hold`, keeps it waiting for a handshake; a server that waits on is held."""

    row = "A41"
    reference = "Slowloris, CVE-2007-6750"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._held = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take(self, interceptor: "Interceptor") -> None:
        over = asyncio.Event()
        interceptor.streams[Role.RESPONDER].deliver_to(lambda data: None, lambda error: over.set())
        await self.hold(interceptor, over)
        self._held = not over.is_set()
        interceptor.log(f"the server {'still waits' if self._held else 'hung up'}")
        interceptor.cut()

    @abstractmethod
    async def hold(self, interceptor: "Interceptor", over: asyncio.Event) -> None:
        """Keep it waiting for as long as this attack does; `over` is set when the server has hung up."""

    def succeeded(self, evidence: "Evidence") -> bool:
        return self._held


async def set_within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event, for so long at most; whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
