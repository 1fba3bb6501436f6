"""What `chat demo` shows first, in 80 columns: words, beside each what goes over the wire, and what an eavesdropper learned."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from plytalk.cli.main import paint
from plytalk.cli.stepper import ARROWS
from plytalk.core.contracts.items import is_exit
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.stack.selection import Stack
from plytalk.lab.inspect.frames import InspectedFrame

WIDTH = 80
SAID, SHOWN = 36, 8
IN_PLAIN_SIGHT = re.compile(rb"[!-~][ -~]{7,}")
"""What an eavesdropper recognises at a glance: eight characters or more."""
RED, GREEN = "31", "32"


@dataclass(frozen=True)
class Demonstration:
    """A finished conversation: its stack, and its frames at the client."""

    stack: Stack
    frames: Sequence[InspectedFrame]

    @property
    def passed(self) -> list[InspectedFrame]:
        return [frame for frame in self.frames if frame.way]

    @property
    def said(self) -> list[InspectedFrame]:
        """The frames with what people said, but for the `exit` at the end."""
        return [frame for frame in self.passed if frame.text and not is_exit(frame.text)]

    @property
    def handshake(self) -> list[InspectedFrame]:
        return [frame for frame in self.passed if frame.layers[0].layer == "handshake"]

    @property
    def is_read(self) -> bool:
        """Whether an eavesdropper reads the words: as they are, or since this stack keeps nothing secret."""
        return any(frame.readable for frame in self.said) or Property.SECRECY not in self.stack.gives

    @property
    def greeting(self) -> str:
        """How the handshake begins, where anybody can recognise it; else empty."""
        first = self.handshake[0].layers[0].data if self.handshake else b""
        found = IN_PLAIN_SIGHT.search(first)
        return found[0].decode("ascii") if found else ""


def wire(frame: InspectedFrame) -> bytes:
    """The frame as it goes over the wire."""
    return frame.layers[-1].data


def size(frames: Iterable[InspectedFrame]) -> int:
    return sum(len(wire(frame)) for frame in frames)


def amount(frames: Sequence[InspectedFrame]) -> str:
    return f"{size(frames):5,} bytes in {len(frames)} frame{'s' if len(frames) > 1 else ''}"


def cut(text: str, width: int) -> str:
    text = clean(text)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def seen(frame: InspectedFrame, most: int = SHOWN) -> str:
    """The first of its bytes; where the words are among them, the words."""
    if frame.readable:
        return f'"{cut(frame.text, 24)}"'
    raw = wire(frame)[-len(frame.layers[-2].data) :]  # without the header, which looks alike in all
    return raw[:most].hex(" ") + (" ..." if len(raw) > most else "")


def summary(demo: Demonstration) -> Iterator[str]:
    """The lines of one demonstration."""
    yield paint(cut(f"A conversation over {demo.stack.line}", WIDTH), "1", 1)
    yield ""
    yield paint(f"   {'the client says (->) and hears (<-)':<{SAID}} on the wire", "1", 1)
    if demo.handshake:
        yield f"   {'(both agree on keys)':<{SAID}} {amount(demo.handshake)}"
    for frame in demo.said:
        yield paint(row(frame), RED if demo.is_read else GREEN, 1)
    others = [frame for frame in demo.passed if frame not in demo.handshake and frame not in demo.said]
    if others:
        yield f"   {'(receipts, goodbyes)':<{SAID}} {amount(others)}"
    yield ""
    yield paint("What an eavesdropper learned", "1", 1)
    yield from (f"  - {line}" for line in learned(demo))
    yield ""
    yield "--full shows every byte, --compare other stacks; `chat explain` says more."


def listed(numbers: Sequence[int]) -> str:
    return " or ".join(f"{number:,}" for number in numbers)


def row(frame: InspectedFrame) -> str:
    return f"{ARROWS[frame.way]} {cut(frame.text, SAID):<{SAID}} {len(wire(frame)):5,} bytes {seen(frame)}"


def learned(demo: Demonstration) -> Iterator[str]:
    """What an eavesdropper learned, most important first."""
    if any(frame.readable for frame in demo.said):
        yield "Every word, as it was typed."
    elif demo.is_read:
        yield "Every word, with some thought: the bytes differ, but nothing is kept secret."
    else:
        yield "Not a word of what was said."
    sizes = sorted({len(wire(frame)) for frame in demo.said})
    if Property.LENGTH_HIDING in demo.stack.gives:
        yield f"Not how long each message is: {'all have' if len(sizes) == 1 else 'they have'} {listed(sizes)} bytes."
    else:
        yield "How long each message is, to the byte."
    yield f"That these two talked, when, and how much: {amount(demo.passed).strip()}."
    if demo.greeting:
        yield cut(f"Which program: its handshake begins with {demo.greeting}", WIDTH - 4)
    if Property.SECRECY in demo.stack.gives and Property.FORWARD_SECRECY not in demo.stack.gives:
        yield "And if a key leaks later: every word of what was recorded."


# -- side by side ----------------------------------------------------------------------------------------------------------

NAME, COLUMN = 23, 19
QUESTIONS = (
    ("if a key leaks later", Property.FORWARD_SECRECY, "still secret", "readable"),
    ("by quantum computers", Property.POST_QUANTUM, "still secret", "readable"),
    ("a changed message", Property.INTEGRITY, "noticed", "not noticed"),
    ("a repeated message", Property.ORDER, "noticed", "not noticed"),
    ("a cut connection", Property.CLEAN_END, "noticed", "not noticed"),
    ("a man in the middle", Property.PEER_IDENTITY, "refused", "not noticed"),
    ("message lengths", Property.LENGTH_HIDING, "hidden", "visible"),
)


def comparison(demos: Sequence[tuple[str, Demonstration]]) -> Iterator[str]:
    """The same words over several stacks, a column for each."""
    yield paint(columns("", [name for name, _ in demos]), "1", 1)
    for number, frame in enumerate(demos[0][1].said):
        frames = [demo.said[number] for _, demo in demos]
        yield f'"{cut(frame.text, WIDTH - 2)}"'
        yield columns("  on the wire", [short(each) for each in frames])
        yield columns("  bytes", [f"{len(wire(each)):,}" for each in frames])
    yield ""
    yield columns("handshake, bytes", [f"{size(demo.handshake):,}" for _, demo in demos])
    yield columns("an eavesdropper reads", ["every word" if demo.is_read else "not a word" for _, demo in demos])
    for question, wanted, have, lack in QUESTIONS:
        answers = [answer(demo, wanted, have, lack) for _, demo in demos]
        yield columns(question, answers)
    yield ""
    yield "`chat explain --profile NAME` explains a column; `chat lab` runs the attacks."


def answer(demo: Demonstration, wanted: Property, have: str, lack: str) -> str:
    never_secret = demo.is_read and wanted in (Property.FORWARD_SECRECY, Property.POST_QUANTUM)
    return have if wanted in demo.stack.gives and not never_secret else lack


def columns(name: str, cells: Sequence[str]) -> str:
    return f"{name:<{NAME}}{''.join(f'{cut(cell, COLUMN - 1):<{COLUMN}}' for cell in cells)}".rstrip()


def short(frame: InspectedFrame) -> str:
    return cut(seen(frame, 4), COLUMN - 1)
