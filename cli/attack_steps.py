"""`chat attack --step`: show each message that is held, and do what the user says: by keys on a terminal, else by lines.

c, Enter  let it pass          e  edit a field: NUMBER=VALUE or NAME=VALUE, 0x before hexadecimal
d         drop it              g  go on without asking
r         send it twice        ?  these keys
"""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.spans import Span
from plytalk.core.io.lines import LineReader
from plytalk.core.io.standard_streams import tell
from plytalk.lab.attacks.stepping import HeldMessage

KEYS = "c continue  d drop  r send twice  e FIELD=VALUE  g go on  ? help"
HELP = """c, Enter         let it pass
d                drop it
r, r 3           send it twice, or three times
e text=midnight  edit a field, by its name or number; e 2=0xff00 gives bytes in hexadecimal
g                go on without asking (as at the end of input)"""
WIDTH = 80
SHOWN = 12
"""How many bytes of a field are shown in hexadecimal."""


class CommandSource(Protocol):
    """Where the user's commands come from."""

    async def command(self) -> str | None:
        """Read the user's next command; None at the end of the input."""


class PipedCommands:
    """One command a line."""

    def __init__(self) -> None:
        self._reader, self._lines = LineReader(0), list[str]()

    async def command(self) -> str | None:
        while not self._lines:
            if (some := await self._reader.read()) is None:
                return None
            self._lines = some
        return self._lines.pop(0)


class PressedKeys:
    """One key a command; what an edit changes is typed as a line."""

    async def command(self) -> str | None:
        import termios  # not on every system, and `chat attack` without --step needs neither
        import tty

        before = termios.tcgetattr(0)
        try:
            tty.setcbreak(0)
            key = (await self._read(1)).decode(errors="replace")
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
        if key == "e":
            sys.stderr.write("edit FIELD=VALUE: ")
            sys.stderr.flush()
            return "e " + (await self._read(4096)).decode(errors="replace").strip()
        return None if key == "" else key

    @staticmethod
    async def _read(size: int) -> bytes:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(0, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(0)
        return os.read(0, size)


class StepPrompt:
    """Asks the user about each message, one at a time."""

    def __init__(self, source: CommandSource | None = None) -> None:
        self._source = source or (PressedKeys() if os.isatty(0) else PipedCommands())
        self._asking = asyncio.Lock()
        self._goes_on = False

    async def decide(self, held: HeldMessage) -> Sequence[HeldMessage]:
        """The message as often as it is to pass, as edited."""
        async with self._asking:
            if self._goes_on:
                return [held]
            show(held)
            while True:
                line = await self._source.command()
                if line is None:
                    self._goes_on = True
                    return [held]
                verb, _, rest = line.strip().partition(" ")
                match verb:
                    case "c" | "":
                        return [held]
                    case "d":
                        return []
                    case "r" if (times := times_of(rest)) is not None:
                        return [held] * times
                    case "e":
                        held = self._edited(held, rest)
                    case "g":
                        self._goes_on = True
                        return [held]
                    case _:
                        tell(HELP)

    @staticmethod
    def _edited(held: HeldMessage, rest: str) -> HeldMessage:
        field, equals, value = rest.partition("=")
        if not equals:
            tell("  An edit is FIELD=VALUE, such as e text=midnight.")
            return held
        try:
            held = held.edit(field.strip(), value)
        except ChatError as error:
            tell(f"  {error.sentence}")
        else:
            show(held)
        return held


def times_of(text: str) -> int | None:
    """How often a message is to pass: twice, or as often as is said. None for what is not such a number."""
    if not text:
        return 2
    with suppress(ValueError):
        return min(max(int(text), 0), 1000)
    return None


def show(held: HeldMessage) -> None:
    for line in described_lines(held):
        tell(line[:WIDTH])


def described_lines(held: HeldMessage) -> Iterator[str]:
    """A message through its layers: each field with its number, if it can be edited, its bytes and what they say."""
    yield f"holding {held.title}"
    number = 0
    for layer in held.layers:
        yield f"  {layer.title}"
        for span in layer.spans:
            number += not layer.fixed
            label = "  " if layer.fixed else f"{number:>2}"
            yield f"    {label} {span.name or 'bytes':<24} {shown(layer.data, span)}"
    yield f"  {KEYS}"


def shown(data: bytes, span: Span) -> str:
    """A field's bytes, shortened, and what they say."""
    part = data[span.start : span.end]
    hexadecimal = part[:SHOWN].hex() + (f"... ({len(part):,} bytes)" if len(part) > SHOWN else "")
    words = span.value or (part.decode() if part.isascii() and part.decode().isprintable() else "")
    return f"{clean(words)}" if words and words == part.decode(errors="replace") else f"{hexadecimal}  {clean(words)}".rstrip()
