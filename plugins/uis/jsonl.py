"""One JSON object a line, for programs.

out  {"type": "open", "peer": "127.0.0.1:8000", "stack": {"transport": "tcp", ...}}
     {"type": "message", "text": "..."}
     {"type": "event", "kind": "said", "sender": "bob", "text": "...", "id": 7, "time": 1790000000000, "marks": [], "own": false}
     {"type": "closed", "reason": "..."}
in   {"type": "message", "text": "..."}
     {"type": "exit"}

Nothing else is written to standard output; notices for people go to standard error.
"""

import asyncio
import json
import re
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.ui import Conversation, Said, Ui
from plytalk.core.io.lines import LineReader, LineWriter
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.hookspecs import hookimpl

ORDERS = '{"type": "message", "text": "..."} nor {"type": "exit"}'
HALF = re.compile("[\ud800-\udfff]")


class Jsonl(Ui):
    """One JSON object a line on standard input and output, for programs."""

    name = "jsonl"
    raw = True  # what is written is ASCII, with every control character escaped

    def __init__(self) -> None:
        self._lines = LineReader(0, self.notice)
        self._out = LineWriter(self._output_failed)
        self._session: Conversation | None = None
        self._replaced = False

    async def run(self, session: Conversation) -> None:
        while not session.ending:
            lines = await self._lines.read()
            if lines is None:
                if self.stays:
                    await asyncio.get_running_loop().create_future()
                session.exit()
                return
            for index, line in enumerate(lines):
                if session.ending:
                    self._lines.put_back(lines[index:])
                    return
                self._obey(session, line)
            await session.drain()

    def _obey(self, session: Conversation, line: str) -> None:
        try:
            order = json.loads(line)
        except (ValueError, RecursionError):
            order = None
        match order:
            case {"type": "message", "text": str(text), **rest} if not rest:
                session.say(self._whole(session, text))
            case {"type": "exit", **rest} if not rest:
                session.exit()
            case _:
                session.failed = True
                session.notice(f"Skipped a line of input that is neither {ORDERS}.")

    def _whole(self, session: Conversation, text: str) -> str:
        """JSON can escape one half of a surrogate pair, which is not a character and has no bytes."""
        whole = HALF.sub("\ufffd", text)
        if whole != text and not self._replaced:
            self._replaced = True
            session.notice("A message had half a surrogate pair in it: each is replaced by \ufffd, here and in later messages.")
        return whole

    def message(self, text: str) -> None:
        self._write(type="message", text=text)

    def event(self, said: Said) -> None:
        self._write(
            type="event", kind=said.kind, sender=said.sender, text=said.body, id=said.id, time=said.time, marks=said.marks,
            own=said.own,
        )  # fmt: skip

    def notice(self, sentence: str) -> None:
        tell(sentence)

    def opened(self, session: Conversation) -> None:
        self._session = session
        self._write(type="open", peer=session.address, stack=session.stack.names)
        self.notice(f"Talking to {session.address} over {session.stack.short_line}.")

    def closed(self, session: Conversation, ending: Ending) -> None:
        self._write(type="closed", reason=ending.reason)
        self._out.finish()

    def _write(self, **event: Any) -> None:
        self._out.write(json.dumps(event).replace("\x7f", "\\u007f"))

    def _output_failed(self) -> None:
        if self._session:
            self._session.exit()


@hookimpl
def layers() -> list[type[Jsonl]]:
    return [Jsonl]
