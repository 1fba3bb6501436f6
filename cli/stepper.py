"""The screen of `chat inspect`: a list of frames above, and below it the layers of the one that is chosen.

    Up, Down   the frame before or after       /     search; n finds the next
    Tab        the next layer                  e     Eve's view: what an eavesdropper sees
    PgUp, PgDn scroll                          q     quit

It knows no terminal: a key is a name, and the screen is a list of lines.
"""

from collections.abc import Callable, Iterator, Sequence

from plytalk.core.contracts.sanitise import clean
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame
from plytalk.plugins.chat_screen.wrapping import clip

Line = tuple[str, str]
"""A style and a text."""
PLAIN, BOLD, DIM, CHOSEN, BAD = "", "bold", "ansibrightblack", "reverse", "ansired"
KEYS = "Up/Down frame  Tab layer  PgUp/PgDn scroll  / search  n next  e Eve  q quit"
QUIT = ("q", "c-c", "c-d")
ARROWS = {"out": "->", "in": "<-"}
SEALED = "sealed"
EMPTY = "This trace is empty: it ended before anything was recorded."
WAITING = "Waiting for the first frame. Press q to quit."

Describe = Callable[[InspectedFrame, TraceEvent], Iterator[str]]


def searched(layer: TraceEvent) -> str:
    """What a search looks through: names, values, facts, and the bytes in hexadecimal and as text."""
    parts = [text for span in layer.spans for text in (span.name, span.value, span.made_of)]
    facts = [text for fact in layer.fields.items() for text in fact]
    return "\n".join([*parts, *facts, layer.data.hex(), layer.data.hex(" "), layer.data.decode(errors="replace")]).lower()


class Stepper:
    """Where in a trace the user is, and what the screen shows of it. `describe` gives the lines for one layer of a frame.

    `live`: more frames may come. A user who looks at the last one goes on to each new one.
    """

    def __init__(self, frames: Sequence[InspectedFrame], title: str, describe: Describe, live: bool = False) -> None:
        self._frames, self._title, self._describe, self.live = list(frames), title, describe, live
        self._at = self._layer = self._scroll = 0
        self._page = 10
        self._eve = False
        self._typed: str | None = None  # while a search is typed
        self._sought = ""
        self._message = ""

    def add(self, frames: Sequence[InspectedFrame]) -> None:
        follows = self._at >= len(self._frames) - 1
        self._frames += frames
        if follows:
            self._go(len(self._frames) - 1)

    # -- keys -------------------------------------------------------------------------------------------------------------

    def press(self, key: str) -> bool:
        """Handle a key. Return whether to continue. Keys have prompt_toolkit's names; a character is itself."""
        self._message = ""
        if self._typed is not None:
            self._type(key)
        elif key in QUIT:
            return False
        elif self._frames:
            self._do(key)
        return True

    def _do(self, key: str) -> None:
        match key:
            case "up" | "left" | "k":
                self._go(self._at - 1)
            case "down" | "right" | "j":
                self._go(self._at + 1)
            case "home" | "g":
                self._go(0)
            case "end" | "G":
                self._go(len(self._frames) - 1)
            case "tab":
                self._choose_layer(1)
            case "s-tab":
                self._choose_layer(-1)
            case "pagedown" | " ":
                self._scroll += self._page
            case "pageup":
                self._scroll = max(0, self._scroll - self._page)
            case "e":
                self._eve = not self._eve
                self._choose_layer(0)
            case "/":
                self._typed = ""
            case "n":
                self._find()

    def _type(self, key: str) -> None:
        assert self._typed is not None
        if key == "enter":
            self._sought, self._typed = self._typed or self._sought, None
            self._find()
        elif key in ("escape", "c-c"):
            self._typed = None
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif len(key) == 1:
            self._typed += key

    def _go(self, number: int) -> None:
        self._at, self._scroll = max(0, min(number, len(self._frames) - 1)), 0
        self._choose_layer(0)

    def _choose_layer(self, by: int) -> None:
        self._layer = (self._layer + by) % len(self._layers) if by else min(self._layer, len(self._layers) - 1)
        self._scroll = 0

    def _find(self) -> None:
        """Go to the next frame that has what was sought in its name, its words, or in what its layers say."""
        if not self._sought:
            return
        sought = self._sought.lower()
        for step in range(1, len(self._frames) + 1):
            number = (self._at + step) % len(self._frames)
            frame = self._frames[number]
            texts = [searched(layer) for layer in self._layers_of(frame)]
            layer = next((at for at, text in enumerate(texts) if sought in text), 0)
            if sought in texts[layer] or sought in self._row(frame).lower():
                self._go(number)
                self._layer = layer
                return
        self._message = f"{self._sought!r} is in no frame."

    # -- what is shown ----------------------------------------------------------------------------------------------------

    @property
    def _layers(self) -> Sequence[TraceEvent]:
        return self._layers_of(self._frames[self._at])

    def _layers_of(self, frame: InspectedFrame) -> Sequence[TraceEvent]:
        """The layers of a frame; for Eve those that she can look into."""
        hidden = self._eve and not self._open(frame)
        if hidden and frame.layers[0].layer in ("keys", "schedule"):
            return [TraceEvent("session", "", "nothing", b"An eavesdropper does not see this.")]
        return [layer for layer in frame.layers if not (hidden and layer.layer == "messages")] or frame.layers[-1:]

    @staticmethod
    def _open(frame: InspectedFrame) -> bool:
        """Whether an eavesdropper can look into it."""
        return bool(frame.readable) or not frame.keeps_secrets

    def _row(self, frame: InspectedFrame) -> str:
        """A frame in the list."""
        time = f"{frame.time:8.3f} s"
        if not frame.way:
            told = "" if self._eve or frame.layers[0].layer != "session" else frame.layers[0].data.decode(errors="replace")
            return f"{time}     {clean(frame.name)}{': ' + clean(told) if told else ''}"
        hidden = self._eve and not self._open(frame) and any(layer.layer == "messages" for layer in frame.layers)
        words = "" if hidden else clean(frame.text)
        name = SEALED if hidden else clean(frame.name)
        group = f"{clean(frame.group)}  " if frame.group else ""
        return f"{time}  {ARROWS[frame.way]} {group}{name:<14} {len(frame.layers[-1].data):>6,}  {words}"

    def lines(self, columns: int, rows: int) -> list[Line]:
        """The screen, `rows` lines of at most `columns` characters."""
        if not self._frames:
            return [(PLAIN, (WAITING if self.live else EMPTY)[:columns])]
        shown = max(3, (rows - 4) // 3)
        first = max(0, min(self._at - shown // 2, len(self._frames) - shown))
        view = "Eve's view: what an eavesdropper sees" if self._eve else "what this side sees"
        goes_on = "  live" if self.live else ""
        found: list[Line] = [(BOLD, f"{self._title}  {self._at + 1} of {len(self._frames)}{goes_on}  {view}")]
        for number, frame in enumerate(self._frames[first : first + shown], first):
            found.append((CHOSEN if number == self._at else PLAIN, self._row(frame)))
        found += [(PLAIN, "")] * (shown + 1 - len(found))
        found.append((DIM, "-" * columns))
        found.append(self._tabs())
        self._page = rows - len(found) - 1
        detail = list(self._describe(self._frames[self._at], self._layers[self._layer]))
        self._scroll = min(self._scroll, max(0, len(detail) - self._page))
        part = detail[self._scroll : self._scroll + self._page]
        found += [(PLAIN, line) for line in part] + [(PLAIN, "")] * (self._page - len(part))
        found.append(self._bottom())
        return [(style, clip(text, columns)) for style, text in found]

    def _tabs(self) -> Line:
        names = [clean(layer.layer) for layer in self._layers]
        names[self._layer] = f"[{names[self._layer]}]"
        return BOLD, "  ".join(names)

    def _bottom(self) -> Line:
        if self._typed is not None:
            return BOLD, f"/{self._typed}"
        return (BAD, self._message) if self._message else (DIM, KEYS)
