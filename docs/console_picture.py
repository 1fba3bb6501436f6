"""Draw docs/console-dark.svg and docs/console-light.svg: a room on a real terminal, from the cells of that terminal.

    ./run python docs/console_picture.py

A server, three people who type, and bob, whose terminal is drawn. It needs the group `tests`, for pexpect and pyte.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pexpect
import pyte

DOCS = Path(__file__).parent
COLUMNS, ROWS = 80, 24
CELL, LINE, EDGE, SIZE = 8.4, 18, 14, 14  # in pixels: a character's width, a row's height, the margin, the font's size
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
PATIENCE = 60.0
BASIC = {
    "black": "#000000",
    "red": "#cd3131",
    "green": "#0dbc79",
    "brown": "#949800",
    "blue": "#2472c8",
    "magenta": "#bc3fbc",
    "cyan": "#11a8cd",
    "white": "#e5e5e5",
    "brightblack": "#767676",
}


class Theme(NamedTuple):
    """A terminal's own colours: what is written, what it is written on, and faint writing."""

    name: str
    ink: str
    paper: str
    faint: str
    frame: str


THEMES = (Theme("dark", "#e6edf3", "#0d1117", "#8b949e", "#3d444d"), Theme("light", "#1f2328", "#ffffff", "#656d76", "#d0d7de"))


class Terminal:
    """A program on a terminal. What is faint is kept beside pyte, which does not know it."""

    def __init__(self, *words: str, home: str, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.screen = FaintScreen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        environment = {**os.environ, "PLYTALK_HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        self._program = pexpect.spawn(words[0], list(words[1:]), env=environment, dimensions=(rows, columns))

    def type(self, keys: str) -> None:
        self._program.send(keys)

    def until(self, shown: str | Callable[[], bool]) -> None:
        """Read until a text is on the screen, or until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not (shown() if callable(shown) else any(shown in row for row in self.screen.display)):
            if time.monotonic() > end:
                raise TimeoutError(f"{shown!r} was never shown:\n" + "\n".join(self.screen.display))
            try:
                self._stream.feed(self._program.read_nonblocking(65536, 0.1))
            except pexpect.TIMEOUT:
                continue

    def close(self) -> None:
        self._program.close(force=True)


class FaintScreen(pyte.Screen):
    """A screen that remembers SGR 2, faint, as a strike, which nothing here uses."""

    def select_graphic_rendition(self, *attributes: int, **more: bool) -> None:
        super().select_graphic_rendition(*(9 if at == 2 and 38 not in attributes else at for at in attributes), **more)


# -- the scene ---------------------------------------------------------------------------------------------------------------


@contextmanager
def room(home: Path) -> Iterator[str]:
    """A server with a room; its address."""
    words = (sys.executable, "-m", "plytalk", "serve", "--port", "0", "--keep", "--headless", "--backlog", "20")
    environment = {**os.environ, "PLYTALK_HOME": str(home)}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr
    try:
        yield next(line.split()[2] for line in process.stderr if line.startswith("Listening on "))
    finally:
        process.terminate()
        process.wait()


def joined(name: str, address: str, home: Path) -> Terminal:
    """A member's terminal, in the room."""
    words = (sys.executable, "-m", "plytalk", "connect", address, "--accept-new", "--name", name)
    terminal = Terminal(*words, home=str(home / name))
    terminal.until(f"You are {name} in lobby")
    return terminal


def play(home: Path) -> FaintScreen:
    """People talk; what bob sees in the end."""
    with ExitStack() as ends:
        address = ends.enter_context(room(home / "server"))
        people: dict[str, Terminal] = {}

        def come(name: str) -> None:
            people[name] = joined(name, address, home)
            ends.callback(people[name].close)

        def say(name: str, text: str, seen: str) -> None:
            people[name].type(f"{text}\r")
            for other in people.values():
                if other is people[name] or "/msg" not in text or other is people.get("bob"):
                    other.until(seen)

        joined("bob", address, home).close()  # creates his identity and remembers the key: no notices in the picture
        for name in ("alice", "carol", "dave"):
            come(name)
        say("alice", "/topic release on Thursday", "release on Thursday")
        say("alice", "the tests are green on all three Pythons", "three Pythons")
        say("carol", "then I can write the notes: https://example.org/plytalk/releases/draft", "releases/draft")
        come("bob")
        bob = people["bob"]
        bob.until("--- 2 earlier messages ---")
        say("bob", "morning! what is left to do?", "bob: morning!")
        say(
            "dave",
            "the pictures in the docs, the man pages, and somebody has to try all of it on a terminal with a light background",
            "light background",
        )
        say("alice", "@bob can you look at the pictures?", "look at the pictures?")
        say("carol", "/me makes tea", "makes tea")
        say("carol", "/msg bob the cake is for dave, do not tell him", "do not tell him")
        say("bob", "sure, on it", "bob: sure")
        bob.type("/msg al\t")
        bob.until("/msg alice")
        return bob.screen


# -- the picture -------------------------------------------------------------------------------------------------------------


def draw(screen: FaintScreen, theme: Theme, what: str = "A room") -> str:
    """The screen as SVG, without the empty rows below; it shows `what`."""
    used = max(number for number, row in enumerate(screen.display) if row.strip() or number == screen.cursor.y) + 1
    width, height = screen.columns * CELL + 2 * EDGE, used * LINE + 2 * EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="{MONO}" font-size="{SIZE}"'
        f' role="img" aria-label="{what} on a {theme.name} terminal">',
        f'<rect x="1" y="1" width="{width - 2:g}" height="{height - 2:g}" rx="10" fill="{theme.paper}" stroke="{theme.frame}"/>',
    ]
    for number in range(used):
        row = [screen.buffer[number][column] for column in range(screen.columns)]
        at = 0
        for _, cells in groupby(row, key=lambda cell: cell[1:]):
            run = list(cells)
            parts += _run("".join(cell.data for cell in run), run[0], at, number, theme)
            at += len(run)
    x, y = screen.cursor.x * CELL + EDGE, screen.cursor.y * LINE + EDGE
    if not screen.cursor.hidden:
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{LINE}" fill="{theme.ink}" opacity="0.6"/>')
    return "\n".join([*parts, "</svg>", ""])


def _run(text: str, look: pyte.screens.Char, column: int, row: int, theme: Theme) -> list[str]:
    """Cells that look alike."""
    ink, paper = colour(look.fg, theme.ink), colour(look.bg, theme.paper)
    if look.strikethrough and look.fg == "default":
        ink = theme.faint
    if look.reverse:
        ink, paper = paper, ink
    x, y, width = column * CELL + EDGE, row * LINE + EDGE, len(text) * CELL
    parts = []
    if paper != theme.paper:
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{LINE}" fill="{paper}"/>')
    if text.strip():
        look_of = ' font-weight="bold"' * look.bold + ' font-style="italic"' * look.italics
        parts.append(
            f'<text x="{x:g}" y="{y + LINE - 5:g}" fill="{ink}"{look_of} xml:space="preserve" textLength="{width:g}"'
            f' lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        )
    return parts


def colour(name: str, otherwise: str) -> str:
    """A colour of pyte: a name, six hexadecimal digits, or the terminal's own."""
    return otherwise if name == "default" else BASIC.get(name, BASIC.get(name.removeprefix("bright"), f"#{name}"))


def main() -> None:
    with TemporaryDirectory() as home:
        screen = play(Path(home))
    for theme in THEMES:
        (DOCS / f"console-{theme.name}.svg").write_text(draw(screen, theme))


if __name__ == "__main__":
    main()
