"""What `chat send` and `chat receive` show and ask: on a terminal a bar, elsewhere lines of JSON."""

import asyncio
import sys
from abc import abstractmethod
from os.path import isfile
from pathlib import Path
from typing import Any

from plytalk.core.contracts import questions
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.events import Closed, Error, Event, File, Notice
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.display import is_dumb
from plytalk.core.io.event_lines import lines_of
from plytalk.core.io.lines import LineReader, LineWriter
from plytalk.core.io.standard_streams import tell
from plytalk.plugins.files.file_words import REPLACE
from plytalk.plugins.files.safe_names import safe_name
from plytalk.plugins.uis.jsonl import as_line

ANSWERS = {**questions.ANSWERS, "y": True, "n": False}
MOVING = ("sending", "receiving")
ENDED = ("done", "declined", "failed", "cancelled", "withdrawn")
AWAY, MISSED = "away", "missed"
"""The codes of the notices that the connection was cut and is tried again, and that some lines were missed meanwhile."""
AFTER = 0.5
"""How long a receiver waits for another offer when it has all that it wanted, in seconds."""


class TransferUi(Ui):
    """Shows transfers. `draws` says whether a person looks at them, and not a program. `pending` are those that have not ended;
    `failed` says that one did not end well.
    """

    name = "transfers"

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self.draws = not quiet and sys.stderr.isatty()
        self._out, self._lines = LineWriter(self._stop), LineReader(0)
        self._bars: dict[str, Any] = {}
        self._question = ""
        """What is asked now: a bar would be drawn over it."""
        self.pending: set[str] = set()
        self.failed = False
        self._comes_back = True
        self._changed = asyncio.Event()
        self._conversation: Conversation | None = None

    @property
    def interactive(self) -> bool:
        return sys.stdin.isatty()

    async def answer(self, question: questions.Question) -> str | None:
        if not self.interactive:
            return await super().answer(question)
        return await self._typed(question.sentence)

    async def _typed(self, question: str) -> str | None:
        """The next line that is typed; None at the end of input."""
        self._close_bars()
        self._question = f"{question} [yes/no] "
        self._ask_again()
        try:
            lines = await self._lines.read()
        finally:
            self._question = ""
        line = lines.pop(0) if lines else None
        self._lines.put_back(lines or [])
        return line

    async def run(self, conversation: Conversation) -> None:
        self._conversation = conversation
        await self._work(conversation)
        conversation.failed = conversation.failed or self.failed
        conversation.exit()

    @abstractmethod
    async def _work(self, conversation: Conversation) -> None:
        """Have all files sent or received."""

    @property
    @abstractmethod
    def unfinished(self) -> bool:
        """Whether something was not transferred."""

    async def _until_changed(self) -> None:
        """Wait until something has changed."""
        self._changed.clear()
        await self._changed.wait()

    # -- what happens -----------------------------------------------------------------------------------------------------

    def show(self, event: Event) -> None:
        if isinstance(event, File):
            self._file(event)
        elif isinstance(event, Error):
            self.failed = True
            self._say(event)
        elif isinstance(event, Notice) and event.code in (AWAY, MISSED):
            if event.code == AWAY and self._comes_back and not self._quiet:
                tell("Trying again.")
        elif isinstance(event, Notice) and not self._quiet and self._conversation:
            self._say(event)
        if isinstance(event, Closed) and event.final:
            self._close_bars()
            self._out.finish()
        self.note(event)
        self._changed.set()

    def note(self, event: Event) -> None:
        """Take in what an event tells."""

    def _is_over(self, event: File) -> bool:
        """Whether nothing more of a transfer is waited for, now that it has ended for this user or one of the others."""
        return event.incoming or event.own or event.state == "done"

    def _file(self, event: File) -> None:
        if event.state in ENDED and self._is_over(event):
            self.pending.discard(event.transfer)
            self.failed = self.failed or event.state != "done"
        if self.draws:
            self._draw(event)
        elif not self._quiet:
            self._out.write(as_line(event))
        if (self.draws and event.state not in ("offered", "accepted")) or (event.state in ENDED and event.state != "done"):
            self._say(event)

    def _say(self, event: Event) -> None:
        lines = lines_of(event, commands=False)
        for line in lines:
            if self.draws and self._bars:
                from tqdm import tqdm

                tqdm.write(line, file=sys.stderr)
            else:
                tell("\n" * bool(self._question) + line)
        if lines:
            self._ask_again()

    def _ask_again(self) -> None:
        """Show the question that is open behind what was said meanwhile."""
        sys.stderr.write(self._question)
        sys.stderr.flush()

    def _draw(self, event: File) -> None:
        """The bar of a transfer that goes on."""
        if event.state in MOVING and event.transfer not in self._bars and not (self._question or is_dumb()):
            from tqdm import tqdm

            self._bars[event.transfer] = tqdm(
                total=event.size, unit="B", unit_scale=True, desc=event.name[:40], initial=event.done, file=sys.stderr,
                dynamic_ncols=True, leave=False,
            )  # fmt: skip
        bar = self._bars.get(event.transfer)
        if bar is None:  # the bar of a stream has no truth value: its size is not known
            return
        if mine := event.own or event.incoming:
            bar.update(event.done - bar.n)
        if event.state in ENDED or (mine and event.state not in MOVING):
            bar.close()
            del self._bars[event.transfer]

    def _close_bars(self) -> None:
        for bar in self._bars.values():
            bar.close()
        if self._bars:
            sys.stderr.write("\r")  # tqdm leaves that out after all but the first
        self._bars.clear()

    def _stop(self) -> None:
        if self._conversation:
            self._conversation.exit()


class ReceiveUi(TransferUi):
    """Asks about each file that is offered, and ends when all that was accepted has come."""

    def __init__(self, yes: bool, quiet: bool = False, overwrite: Path | None = None) -> None:
        """`overwrite` is the folder in which a file may be replaced, if the user says so; None for none."""
        super().__init__(quiet)
        self._yes, self._overwrite = yes, overwrite
        self._offers: list[File] = []
        self._received = 0

    async def _work(self, conversation: Conversation) -> None:
        while True:
            while self._offers:
                await self._ask(conversation, self._offers.pop(0))
            if self.pending or not (self._received or self.failed):
                await self._until_changed()
                continue
            try:
                async with asyncio.timeout(AFTER):
                    await self._until_changed()
            except TimeoutError:
                if not self._offers and not self.pending:
                    return

    async def _ask(self, conversation: Conversation, offer: File) -> None:
        accepted = await self._says_yes(f"{in_short(offer)}. Receive it?", "--yes accepts what is offered.")
        words = [offer.transfer]
        if accepted:
            self.pending.add(offer.transfer)
            name = safe_name(offer.name)
            exists = self._overwrite and isfile(self._overwrite / name)  # noqa: ASYNC240 - one look
            if exists and await self._says_yes(f"{name} exists. Replace it?", "a number is added to its name."):
                words.append(REPLACE)
        conversation.command("accept" if accepted else "decline", words)

    async def _says_yes(self, question: str, otherwise: str) -> bool:
        """`otherwise` says what an end of input means."""
        while (typed := await self._typed(question)) is not None:
            if (answer := typed.strip().lower()) in ANSWERS:
                return ANSWERS[answer]
            tell(questions.HINT)
        tell(f"Nobody answers here: {otherwise}")
        return False

    def note(self, event: Event) -> None:
        if isinstance(event, Closed) and event.by == EndedBy.THEM.value:  # by its own wish: it does not come back
            self._comes_back = False
            self._stop()
        if not isinstance(event, File) or not event.incoming:
            return
        if event.state == "offered" and not self._yes:
            self._offers.append(event)
        elif event.state == "accepted":
            self.pending.add(event.transfer)
        elif event.state == "done":
            self._received += 1
        elif event.state == "failed" and event.size is None and not self.pending:  # nothing of it is kept
            self._comes_back = False
            self._stop()

    @property
    def unfinished(self) -> bool:
        """Whether something that was offered has not come, or nothing was."""
        return self.failed or not self._received or bool(self.pending)


def in_short(offer: File) -> str:
    """What is told of an offer, without the mark of an event and the full stop."""
    return lines_of(offer, commands=False)[0].removeprefix("* ").removesuffix(".")
