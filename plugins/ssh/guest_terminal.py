"""What a guest types as lines, and lines as what its terminal shows; without a terminal, lines as they are."""

from collections.abc import Callable

from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.ssh.line_editor import LineEditor

LONGEST_PIPED = 16 * 1024
"""How many characters a line may have that no person types."""
TOO_LONG = f"* A line has more than {LONGEST_PIPED:,} characters and was not sent."


class GuestTerminal:
    """`entered` takes each line, `leave` is called when the guest goes, `write` sends to its screen. It has no editor, and no
    prompt, until `edit` says that there is a terminal. One that does not read is not shown what it does (`hold`).
    """

    def __init__(self, entered: Callable[[str], None], leave: Callable[[], None], write: Callable[[str], None]) -> None:
        self._entered, self._leave, self._write = entered, leave, write
        self.editor: LineEditor | None = None
        self._half = ""
        self._skips = self._held = False

    def edit(self, kind: str, columns: int) -> None:
        """There is a terminal of this kind."""
        self.editor = LineEditor(self._entered, self._leave, columns, escapes=kind not in ("", "dumb", "unknown"))

    def show(self, lines: list[str]) -> None:
        """Show lines above the row in which the guest types."""
        if not lines:
            return
        end = "\r\n" if self.editor else "\n"
        text = "".join(f"{clean(line)}{end}" for line in lines)
        self._write(f"{self.editor.erase()}{text}{self.editor.draw()}" if self.editor else text)

    def resize(self, columns: int) -> None:
        if self.editor:
            self.editor.resize(columns)
            self._draw()

    def hold(self, held: bool) -> None:
        """Whether the guest does not read what it is shown: what it does takes no memory meanwhile."""
        self._held = held
        self._draw()

    def _draw(self, above: str = "") -> None:
        if self.editor and not self._held:
            self._write(f"{self.editor.erase()}{above}{self.editor.draw()}")

    def hear(self, data: str) -> None:
        """This came from the guest."""
        if self.editor:
            self._draw(self.editor.type(data))
            return
        *lines, rest = f"{self._half}{data}".split("\n")
        self._half = ""
        for line in lines:
            self._hear_line(line.removesuffix("\r"))
        if len(rest) > LONGEST_PIPED:
            self._skips = True
        self._half = rest[:LONGEST_PIPED]

    def _hear_line(self, line: str) -> None:
        if self._skips or len(line) > LONGEST_PIPED:
            self._skips = False
            self.show([TOO_LONG])
        else:
            self._entered(line)

    def end(self) -> None:
        """Nothing more comes from the guest."""
        if self._half:
            self._hear_line(self._half)
        self._leave()

    def leave_row(self) -> str:
        """What takes the row off the screen, at the end."""
        return self.editor.erase() if self.editor else ""
