"""How a fuzzer changes messages: by steps that fit whatever a handshake sends, so that a change can be repeated and grown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Role
from plytalk.testing.attempts import Course

MOST_STEPS = 6
MOST_BYTES = 64 * 1024
"""The longest payload that is tried."""


@dataclass(frozen=True)
class Step:
    """One change of a payload: `place` is an offset, taken modulo the payload's length; `value` the bytes it works with."""

    operation: str
    place: int = 0
    value: bytes = b""

    def __str__(self) -> str:
        place = "" if self.operation in WHOLE else f" at {self.place}"
        value = "" if self.operation in WITHOUT_VALUE else f" {self.value[:16].hex()}{'...' if len(self.value) > 16 else ''}"
        return f"{self.operation}{place}{value}"


@dataclass(frozen=True)
class Recipe:
    """What is done to one message of a handshake: the `index`th of `sender`."""

    sender: Role
    index: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"message {self.index + 1} of the {self.sender.value}: " + ", then ".join(map(str, self.steps))

    def apply(self, payload: bytes) -> bytes:
        """The payload after all steps."""
        for step in self.steps:
            payload = OPERATIONS[step.operation](payload, step)[:MOST_BYTES]
        return payload

    def edit(self, sender: Role, index: int, framer: HeaderFramer, kind: FrameKind, payload: bytes) -> bytes | None:
        """As `Attempts.once` takes it."""
        if (sender, index) != (self.sender, self.index):
            return None
        return framer.encode(kind, self.apply(payload))


def _flip(payload: bytes, step: Step) -> bytes:
    if not payload:
        return payload
    at = step.place % len(payload)
    return payload[:at] + bytes([payload[at] ^ 1 << step.value[0] % 8]) + payload[at + 1 :]


def _put(payload: bytes, step: Step) -> bytes:
    at = step.place % (len(payload) + 1)
    return payload[:at] + step.value + payload[at + len(step.value) :]


def _insert(payload: bytes, step: Step) -> bytes:
    at = step.place % (len(payload) + 1)
    return payload[:at] + step.value + payload[at:]


def _remove(payload: bytes, step: Step) -> bytes:
    at = step.place % (len(payload) + 1)
    return payload[:at] + payload[at + len(step.value) :]


def _add(payload: bytes, step: Step) -> bytes:
    """Adds a small number to one that takes `len(value)` bytes."""
    size = len(step.value)
    if len(payload) < size:
        return payload
    at = step.place % (len(payload) - size + 1)
    number = int.from_bytes(payload[at : at + size], "big") + int.from_bytes(step.value, "big", signed=True)
    changed: bytes = (number % 256**size).to_bytes(size, "big")
    return payload[:at] + changed + payload[at + size :]


def _resize(payload: bytes, step: Step) -> bytes:
    size = step.place % (MOST_BYTES + 1)
    return (payload + bytes(max(0, size - len(payload))))[:size]


OPERATIONS: dict[str, Callable[[bytes, Step], bytes]] = {
    "flip": _flip,
    "put": _put,
    "insert": _insert,
    "remove": _remove,
    "add": _add,
    "resize": _resize,
    "truncate": lambda payload, step: payload[: step.place % (len(payload) + 1)],
    "end with": lambda payload, step: payload[: max(0, len(payload) - len(step.value))] + step.value,
    "append": lambda payload, step: payload + step.value,
    "fill": lambda payload, step: (step.value * len(payload))[: len(payload)],
    "replace": lambda payload, step: step.value,
    "upper": lambda payload, step: payload.upper(),
    "reverse": lambda payload, step: payload[::-1],
}


WHOLE = frozenset({"append", "end with", "fill", "replace", "upper", "reverse"})
"""Operations without a place."""
WITHOUT_VALUE = frozenset({"truncate", "resize", "upper", "reverse"})


class Mutator:
    """Draws recipes for `messages`. `constants` are what the code compares with; `recorded` are payloads of others."""

    def __init__(self, random: Random, messages: Sequence[tuple[Role, int]], constants: Sequence[bytes]) -> None:
        self._random, self.messages, self._constants = random, messages, constants or [b"\0"]
        self.recorded: list[bytes] = []
        self.corpus: list[Recipe] = []
        """Recipes that reached something new."""

    @classmethod
    def of_courses(cls, random: Random, courses: Sequence[Course], constants: Sequence[bytes]) -> "Mutator":
        """Draws recipes for each message of these undisturbed handshakes, whose payloads count as recorded."""
        mutator = cls(random, [(role, index) for role in Role for index in range(len(courses[0].frames[role]) - 1)], constants)
        mutator.recorded = [payload for course in courses for role in Role for _, payload in course.frames[role][:-1] if payload]
        return mutator

    def draw(self) -> Recipe:
        """A recipe: half of the time one that was worth keeping, with one more step."""
        if self.corpus and self._random.random() < 0.5:
            known = self._random.choice(self.corpus)
            if len(known.steps) < MOST_STEPS:
                return Recipe(known.sender, known.index, (*known.steps, self._step()))
        sender, index = self._random.choice(self.messages)
        return Recipe(sender, index, (self._step(),))

    def _step(self) -> Step:
        random = self._random
        operation = random.choice(list(OPERATIONS))
        place = random.choice((0, random.randrange(8), random.randrange(128), random.randrange(4096)))
        if operation == "resize":
            place = random.choice((*(int.from_bytes(one, "big") for one in self._constants if len(one) <= 2), place))
        return Step(operation, place, self._value(operation))

    def _value(self, operation: str) -> bytes:
        random = self._random
        if operation == "flip":
            return bytes([random.randrange(8)])
        if operation == "add":
            size = random.choice((1, 2, 4))
            return random.randrange(-16, 17).to_bytes(size, "big", signed=True)
        if operation in {"replace", "put"} and self.recorded and random.random() < 0.4:
            whole = random.choice(self.recorded)
            at = random.choice((0, random.randrange(len(whole) + 1)))
            return whole if random.random() < 0.5 else whole[at : at + random.choice((1, 4, 16, 32, 64))]
        if random.random() < 0.5:
            return random.choice(self._constants)
        simple = (b"\0", b"\xff", b"\1", b"\x80", b" ", b"\n", bytes(32), b"\xff" * 32, b"\1" + bytes(31), bytes(31) + b"\1")
        return random.choice((*simple, random.randbytes(random.choice((1, 2, 4, 16, 32, 64)))))
