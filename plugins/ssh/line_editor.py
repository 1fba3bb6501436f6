"""One row of a guest's terminal in which a line is typed, and scrolls sideways where it is longer than the row.

All keys of one piece of input change the text, and the row is drawn once behind them: a guest cannot make the server draw more
than it sends.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from wcwidth import wcwidth

PROMPT = "> "
LONGEST_LINE = 2000
"""How many characters a line may have."""
REMEMBERED = 20
"""How many lines the arrow keys bring back."""
LONGEST_KEY = 16
"""The longest escape sequence that can be a key, in characters."""
COLUMNS, FEWEST, MOST = 80, 10, 1000
"""The width of a terminal that does not tell, and what is believed of one that does."""


class LineEditor:
    """`entered` takes a line, `leave` is called when the guest wants to go. `escapes` says that the terminal can erase a row."""

    def __init__(self, entered: Callable[[str], None], leave: Callable[[], None], columns: int = 0, escapes: bool = True) -> None:
        self._entered, self._leave, self._escapes = entered, leave, escapes
        self.resize(columns)
        self._text, self._at = "", 0
        self._history: list[str] = []
        self._back = 0  # how many lines back in the history
        self._half = ""  # what was in the row before that
        self._key = ""  # an escape sequence whose end has not come
        self._after_return = False
        self._drawn = 0

    def resize(self, columns: int) -> None:
        """Note how many columns the terminal has, 0 for one that does not tell."""
        self._columns = min(max(columns, FEWEST), MOST) if columns else COLUMNS

    # -- what is drawn ----------------------------------------------------------------------------------------------------

    def erase(self) -> str:
        """What takes the row off the screen."""
        drawn, self._drawn = self._drawn, 0
        return "\r\x1b[K" if self._escapes else f"\r{' ' * drawn}\r" if drawn else ""

    def draw(self) -> str:
        """What draws the row, from its first column on."""
        room = self._columns - len(PROMPT) - 1
        start, width = self._at, 0
        while start and width + width_of(self._text[start - 1]) <= room:
            start -= 1
            width += width_of(self._text[start])
        end, behind = self._at, 0
        while end < len(self._text) and width + behind + width_of(self._text[end]) <= room:
            behind += width_of(self._text[end])
            end += 1
        self._drawn = len(PROMPT) + width + behind
        return PROMPT + self._text[start:end] + "\b" * behind

    # -- keys -------------------------------------------------------------------------------------------------------------

    def type(self, data: str) -> str:
        """These keys were pressed. Gives what is left on the screen above the row: the lines that were entered."""
        above = ""
        for character in data:
            if self._key:
                self._continue_key(character)
            elif character == "\x1b":
                self._key = character
            elif character in "\r\n":
                if character == "\r" or not self._after_return:
                    above += self._enter()
            elif control := CONTROLS.get(character):
                control(self)
            elif character.isprintable() and len(self._text) < LONGEST_LINE:
                self._replace(self._at, self._at, character)
            self._after_return = character == "\r"
        return above

    def _continue_key(self, character: str) -> None:
        self._key += character
        is_begun = self._key in ("\x1b[", "\x1bO")
        if is_begun or (self._key.startswith("\x1b[") and not "@" <= character <= "~" and len(self._key) < LONGEST_KEY):
            return
        if control := CONTROLS.get(self._key):
            control(self)
        self._key = ""

    def _enter(self) -> str:
        line, self._text, self._at, self._back = self._text, "", 0, 0
        if not line.strip():
            return ""
        if self._history[-1:] != [line]:
            self._history = [*self._history, line][-REMEMBERED:]
        self._entered(line)
        return f"{PROMPT}{line}\r\n"

    def _replace(self, start: int, end: int, text: str = "") -> None:
        start = max(start, 0)
        self._text = self._text[:start] + text + self._text[end:]
        self._at = start + len(text)

    def _move(self, to: int) -> None:
        self._at = min(max(to, 0), len(self._text))

    def _interrupt(self) -> None:
        if self._text:
            self._replace(0, len(self._text))
        else:
            self._leave()

    def _delete_or_leave(self) -> None:
        if self._text:
            self._replace(self._at, self._at + 1)
        else:
            self._leave()

    def _delete_word(self) -> None:
        before = self._text[: self._at].rstrip()
        self._replace(before.rfind(" ") + 1, self._at)

    def _recall(self, step: int) -> None:
        back = min(max(self._back + step, 0), len(self._history))
        if not self._back:
            self._half = self._text
        self._back = back
        self._text = self._history[-back] if back else self._half
        self._at = len(self._text)


CONTROLS: Mapping[str, Callable[[LineEditor], None]] = {
    **dict.fromkeys(("\x01", "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"), lambda row: row._move(0)),
    **dict.fromkeys(("\x05", "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"), lambda row: row._move(len(row._text))),
    **dict.fromkeys(("\x02", "\x1b[D", "\x1bOD"), lambda row: row._move(row._at - 1)),
    **dict.fromkeys(("\x06", "\x1b[C", "\x1bOC"), lambda row: row._move(row._at + 1)),
    **dict.fromkeys(("\x10", "\x1b[A", "\x1bOA"), lambda row: row._recall(1)),
    **dict.fromkeys(("\x0e", "\x1b[B", "\x1bOB"), lambda row: row._recall(-1)),
    **dict.fromkeys(("\x08", "\x7f"), lambda row: row._replace(row._at - 1, row._at)),
    "\x1b[3~": lambda row: row._replace(row._at, row._at + 1),
    "\x15": lambda row: row._replace(0, row._at),
    "\x0b": lambda row: row._replace(row._at, len(row._text)),
    "\x17": LineEditor._delete_word,
    "\x03": LineEditor._interrupt,
    "\x04": LineEditor._delete_or_leave,
}
"""What keys do, by what a terminal sends for them: those of readline(3) that people use, and the arrow keys."""


@lru_cache(4096)
def width_of(character: str) -> int:
    """How many columns a character takes."""
    return max(wcwidth(character), 0)
