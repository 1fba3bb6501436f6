"""One JSON object a line, for programs.

out  {"type": "open", "peer": "127.0.0.1:8000", "stack": {"transport": "tcp", ...}}
     {"type": "message", "text": "..."}
     {"type": "notice", "text": "..."}
     {"type": "closed", "reason": "..."}
in   {"type": "message", "text": "..."}
     {"type": "exit"}
"""

import json
import sys
from typing import Any

from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Ui
from plytalk.core.lines import LineReader
from plytalk.core.session import Ending, Session


class Jsonl(Ui):
    """One JSON object a line on standard input and output, for programs."""

    name = "jsonl"
    raw = True  # what is written is ASCII, with every control character escaped

    def __init__(self) -> None:
        self._lines = LineReader(0)

    async def run(self, session: Session) -> None:
        while (lines := await self._lines.read()) is not None:
            for line in lines:
                self._obey(session, line)
            await session.drain()
        session.exit()

    def _obey(self, session: Session, line: str) -> None:
        try:
            order = json.loads(line)
        except (ValueError, RecursionError):
            order = None
        match order:
            case {"type": "message", "text": str(text), **rest} if not rest:
                session.say(text)
            case {"type": "exit", **rest} if not rest:
                session.exit()
            case _:
                self.notice('Skipped a line of input that is neither {"type": "message", "text": "..."} nor {"type": "exit"}.')

    def message(self, text: str) -> None:
        self._write(type="message", text=text)

    def notice(self, sentence: str) -> None:
        self._write(type="notice", text=sentence)

    def opened(self, session: Session) -> None:
        self._write(type="open", peer=session.address, stack=session.stack.names)

    def closed(self, session: Session, ending: Ending) -> None:
        self._write(type="closed", reason=ending.reason)

    def _write(self, **event: Any) -> None:
        print(json.dumps(event).replace("\x7f", "\\u007f"), file=sys.stdout, flush=True)


@hookimpl
def layers() -> list[type[Jsonl]]:
    return [Jsonl]
