"""Draw docs/layers.svg, the picture in the README: the first words of a real `chat demo`, as each layer passes them on.

The sealed bytes are other ones in each run; `same` compares two pictures without them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, ROW, TOP = 1100, 74, 84
LEFT, MIDDLE, RIGHT = (30, 210), (272, 556), (860, 210)  # x and width of the three columns
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SANS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
READABLE, SEALED, INK, DIM, LINE, BOX, CARD = "#ffb86b", "#5ddb9a", "#e6edf3", "#8b949e", "#3d444d", "#161b22", "#0d1117"
CHAR = 7.9  # width of a character of the dumps, which `textLength` enforces whatever the font
PER_LINE = 16
KINDS = ("transport", "framer", "handshake", "auth", "cipher", "messages", "ui")
CONTENT = re.compile(r'(<text class="sealed"[^>]*>)[^<]*')


@dataclass(frozen=True)
class Step:
    """What one layer made of the words: its kind and name, how many bytes, and the first line of their dump."""

    kind: str
    name: str
    size: int
    hex: str
    text: str


@dataclass(frozen=True)
class Shown:
    """What the picture shows of a demo."""

    stack: str
    words: str
    steps: tuple[Step, ...]
    readable: bool


def read(frames: Sequence[Mapping[str, Any]]) -> Shown:
    """The first message in what `chat inspect --json` prints of a trace of `chat demo`."""
    about = next(frame["layers"][0]["about"] for frame in frames if frame["name"] == "started")
    said = next(frame for frame in frames if frame["way"] == "out" and frame["text"])
    steps = tuple(step(layer, about[layer["layer"]]) for layer in said["layers"])
    stack = " | ".join(about[kind] for kind in KINDS if about.get(kind))
    return Shown(stack, said["text"], steps, said["layers"][0]["raw"] in said["layers"][-1]["raw"])


def step(layer: Mapping[str, Any], name: str) -> Step:
    first = bytes.fromhex(layer["raw"])[:PER_LINE]
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in first)
    return Step(layer["layer"], name, layer["length"], first.hex(" "), text)


def same(one: str, other: str) -> bool:
    """Whether two pictures differ in nothing but the sealed bytes."""
    return CONTENT.sub(r"\1", one) == CONTENT.sub(r"\1", other)


def draw(shown: Shown) -> str:
    """The picture, as SVG."""
    height = TOP + ROW * (len(shown.steps) + 2) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="{SANS}" role="img"',
        f'  aria-label="A message on its way through the layers {escape(shown.stack)}">',
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="14" fill="{CARD}" stroke="{LINE}"/>',
        _text(30, 38, "$ ./run chat demo", INK, 16, mono=True),
        _text(WIDTH - 30, 38, shown.stack, DIM, 14, mono=True, anchor="end"),
        _caption(LEFT, "the client says"),
        _caption(MIDDLE, "what passes between the layers"),
        _caption(RIGHT, "the server reads"),
        *_words(TOP, shown),
    ]
    for index, step in enumerate(shown.steps, 1):
        parts += _step(TOP + ROW * index, step, shown.readable)
    parts += _network(TOP + ROW * (len(shown.steps) + 1), shown)
    return "\n".join([*parts, "</svg>", ""])


def _words(y: int, shown: Shown) -> list[str]:
    ui = shown.stack.rpartition("| ")[2]
    return [
        *(part for column in (LEFT, RIGHT) for part in _chip(column, y, "ui", ui, READABLE)),
        _text(MIDDLE[0] + MIDDLE[1] / 2, y + 34, f"“{escape(shown.words)}”", READABLE, 18, anchor="middle"),
    ]


def _step(y: int, step: Step, readable: bool) -> list[str]:
    plain = step.kind == "messages"
    colour = READABLE if plain or readable else SEALED
    parts = [
        *_arrow(LEFT, y, down=True),
        *_arrow(RIGHT, y, down=False),
        *(part for column in (LEFT, RIGHT) for part in _chip(column, y, step.kind, step.name, colour)),
        f'<rect x="{MIDDLE[0]}" y="{y + 4}" width="{MIDDLE[1]}" height="48" rx="8" fill="{BOX}"/>',
        _text(
            MIDDLE[0] + 16, y + 21, f"{step.size} bytes" + (f", the first {PER_LINE}" if step.size > PER_LINE else ""), DIM, 11
        ),
    ]
    kind = "plain" if plain or readable else "sealed"
    x = MIDDLE[0] + 16
    parts.append(_dump(kind, x, y + 41, step.hex, colour))
    parts.append(_dump(kind, x + (PER_LINE * 3 + 1) * CHAR, y + 41, step.text, colour))
    return parts


def _network(y: int, shown: Shown) -> list[str]:
    colour = READABLE if shown.readable else SEALED
    seen = "reads every word as it was typed" if shown.readable else "sees these bytes, and not a word"
    network = shown.stack.partition(" ")[0]
    return [
        *_arrow(LEFT, y, down=True),
        *_arrow(RIGHT, y, down=False),
        f'<rect x="{LEFT[0]}" y="{y + 4}" width="{WIDTH - 60}" height="48" rx="8" fill="{BOX}" stroke="{colour}"'
        ' stroke-dasharray="6 5"/>',
        _text(LEFT[0] + 16, y + 25, "transport", DIM, 11),
        _text(LEFT[0] + 16, y + 42, escape(network), colour, 15, mono=True),
        _text(MIDDLE[0] + MIDDLE[1] / 2, y + 34, f"an eavesdropper {seen}", colour, 16, anchor="middle"),
    ]


def _chip(column: tuple[int, int], y: int, kind: str, name: str, colour: str) -> list[str]:
    x, width = column
    return [
        f'<rect x="{x}" y="{y + 4}" width="{width}" height="48" rx="8" fill="{BOX}" stroke="{LINE}"/>',
        f'<rect x="{x}" y="{y + 4}" width="5" height="48" rx="2.5" fill="{colour}"/>',
        _text(x + 18, y + 23, kind, DIM, 11),
        _text(x + 18, y + 42, escape(name), INK, 15, mono=True),
    ]


def _arrow(column: tuple[int, int], y: int, down: bool) -> list[str]:
    x = column[0] + column[1] / 2
    tip, wing = (y + 2, y - 5) if down else (y - 20, y - 13)
    return [
        f'<path d="M{x} {y - 20}V{y + 2}M{x - 5} {wing}L{x} {tip}L{x + 5} {wing}" fill="none" stroke="{DIM}" stroke-width="1.6"/>'
    ]


def _caption(column: tuple[int, int], text: str) -> str:
    return _text(column[0] + column[1] / 2, TOP - 10, text, DIM, 13, anchor="middle")


def _dump(kind: str, x: float, y: int, text: str, colour: str) -> str:
    length = round(len(text) * CHAR, 1)
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y}" fill="{colour}" font-size="13" font-family="{MONO}" xml:space="preserve"'
        f' textLength="{length}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def _text(x: float, y: int, text: str, colour: str, size: int, mono: bool = False, anchor: str = "start") -> str:
    family = f' font-family="{MONO}"' if mono else ""
    return f'<text x="{x:g}" y="{y}" fill="{colour}" font-size="{size}" text-anchor="{anchor}"{family}>{text}</text>'
