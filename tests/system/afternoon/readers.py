"""Three readers of one room: a person at a console, a program that reads JSON lines, and one that calls `plytalk.connect`.

`lines` is what each has seen, in words that do not depend on the reader: `ann: hello`, `ann to bob: psst`, `* [bob] is here.`
"""

import asyncio
import contextlib
import json
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from event_checks import FAULTS
from panes import Tmux, tmux
from programs import COMMAND

from plytalk.api.chat import Chat
from plytalk.plugins.uis.jsonl import as_line

TIME, INDENT = re.compile(r"\d\d:\d\d "), "  "


def in_words(event: Mapping[str, Any]) -> str:
    """What a member did, in the words of a reader that is not that member; empty for any other event."""
    name = event["sender"]["name"] if "sender" in event else ""
    match event:
        case {"type": "message", "private": True, "to": to, "text": text}:
            return f"{name} to {to}: {text}"
        case {"type": "message", "text": text}:
            return f"{name}: {text}"
        case {"type": "joined"}:
            return f"* [{name}] is here."
        case {"type": "left", "reason": reason}:
            return f"* [{name}] has left{': ' + reason if reason else ''}."
        case {"type": "renamed", "name": new}:
            return f"* [{name}] is now [{new}]."
        case {"type": "moderated", "action": "kick", "target": {"name": target}, "reason": reason}:
            return f"* [{name}] removed [{target}]: {reason}."
    return ""


class Reader(ABC):
    """One that is in the room."""

    name = ""

    @property
    @abstractmethod
    def lines(self) -> list[str]: ...

    @abstractmethod
    async def say(self, text: str, to: str | None = None) -> None: ...

    async def until(self, line: str) -> None:
        """Wait until this has been seen."""
        while line not in self.lines:  # noqa: ASYNC110  # a screen tells nobody that it has changed
            await asyncio.sleep(0.02)


class ProgramReader(Reader):
    """One whose events are all kept: `events` as JSON has them."""

    def __init__(self, name: str) -> None:
        self.name, self.events = name, list[dict[str, Any]]()

    @property
    def lines(self) -> list[str]:
        return [line for event in self.events if (line := in_words(event))]

    def happened(self) -> list[tuple[str, str]]:
        """What members did: the event's id, and in words."""
        return [(event["id"], line) for event in self.events if (line := in_words(event))]

    def marked(self, mark: str) -> set[int]:
        """The numbers of events that are `own`, `private` or `replayed`."""
        return {int(event["id"].rpartition("/")[2]) for event in self.events if event.get(mark)}


class PythonReader(ProgramReader):
    """A program that calls `plytalk.connect`."""

    def __init__(self, name: str, chat: Chat) -> None:
        super().__init__(name)
        self.chat = chat

    async def read(self) -> None:
        async for event in self.chat:
            self.events.append(json.loads(as_line(event)))

    async def say(self, text: str, to: str | None = None) -> None:
        await self.chat.send(text, to)


class JsonReader(ProgramReader):
    """A program that runs `chat connect --ui jsonl`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        super().__init__(name)
        assert process.stdin is not None
        self.process, self._input = process, process.stdin

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.events.append(json.loads(line))
            FAULTS.look_at(self.events[-1])

    def close(self) -> None:
        self._input.close()

    async def order(self, **order: Any) -> None:
        self._input.write(json.dumps(order).encode() + b"\n")
        await self._input.drain()

    async def say(self, text: str, to: str | None = None) -> None:
        await self.order(type="message", text=text, **({"to": to} if to else {}))


class ConsoleReader(Reader):
    """A person at a terminal."""

    def __init__(self, name: str, pane: Tmux) -> None:
        self.name, self.pane = name, pane

    @property
    def lines(self) -> list[str]:
        lines: list[str] = []
        for row in self.pane.all_rows:
            if row.startswith(INDENT) and lines:
                lines[-1] += f" {row.strip()}"
            else:
                lines.append(TIME.sub("", row))
        return [self._in_words(line) for line in lines]

    def _in_words(self, line: str) -> str:
        line = re.sub(r"^you, to (\S+) alone: ", rf"{self.name} to \1: ", line)
        return re.sub(r"^(\S+), to you alone: ", rf"\1 to {self.name}: ", line)

    @property
    def since_it_came(self) -> list[str]:
        """All rows from the one that says where it is, without times."""
        rows = [TIME.sub("", row) for row in self.pane.all_rows]
        return rows[next(number for number, row in enumerate(rows) if row.startswith("You are ")) :]

    async def say(self, text: str, to: str | None = None) -> None:
        self.pane.type(f"/msg {to} {text}" if to else text)
        self.pane.press("Enter")


def words(address: str, name: str, *options: str) -> tuple[str, ...]:
    return (*COMMAND, "connect", address, "--accept-new", "--name", name, *options)


@contextlib.asynccontextmanager
async def by_python(name: str, chat: Chat) -> AsyncIterator[PythonReader]:
    async with chat:
        reader = PythonReader(name, chat)
        reading = asyncio.create_task(reader.read())
        try:
            yield reader
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


@contextlib.asynccontextmanager
async def by_json(name: str, address: str, environment: Mapping[str, str], *command: str) -> AsyncIterator[JsonReader]:
    """`command` is that of another program than ours."""
    pipe = asyncio.subprocess.PIPE
    run = command or words(address, name, "--reconnect", "--ui", "jsonl")
    process = await asyncio.create_subprocess_exec(
        *run, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    reader = JsonReader(name, process)
    reading = asyncio.create_task(reader.read())
    try:
        yield reader
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        reader.close()


@contextlib.contextmanager
def by_console(
    name: str, address: str, place: Path, size: tuple[int, int], environment: Mapping[str, str]
) -> Iterator[ConsoleReader]:
    with tmux(place, shlex.join(words(address, name, "--reconnect")), *size, environment=environment) as pane:
        yield ConsoleReader(name, pane)
