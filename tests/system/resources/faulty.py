"""`chat`, with an exception in one layer in one conversation: `python -m tests.system.resources.faulty serve ...`.

Which of `STEPS` raises says a file `fault` in PLYTALK_HOME, which is used up by the conversation that begins next.
"""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from plytalk.cli.main import main
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.messages.records import Records
from plytalk.plugins.uis.jsonl import Jsonl

ERRORS = (ValueError, MemoryError, RecursionError, AssertionError, KeyError, StopIteration, OSError)
STEPS: tuple[tuple[type, str], ...] = (
    (AsyncioStream, "send"), (AsyncioStream, "drained"), (AsyncioStream, "pause"), (AsyncioStream, "resume"),
    (U16, "__init__"), (U16, "encode"), (U16, "feed"), (U16, "frames"), (U16, "unfinished"),
    (Plytalk1, "respond"),
    (NoiseTransport, "__init__"), (NoiseTransport, "seal"), (NoiseTransport, "open"),
    (Records, "__init__"), (Records, "pack"), (Records, "unpack"), (Records, "prepare"),
    (Jsonl, "run"), (Jsonl, "show"),
)  # fmt: skip


class Faults:
    """Which step is to raise, once: the number in the file `fault` when a conversation begins."""

    def __init__(self, file: Path) -> None:
        self.file, self.due = file, -1
        opened = DirectChat.open

        async def told(session: DirectChat, *given: Any) -> None:
            self.read()
            await opened(session, *given)

        DirectChat.open = told  # type: ignore[method-assign]

    def read(self) -> None:
        if self.file.exists():
            self.due = int(self.file.read_text())
            self.file.unlink()

    def plant(self, number: int, owner: type, name: str) -> None:
        real = getattr(owner, name)
        error = ERRORS[number % len(ERRORS)]

        def failing(call: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(call)
            def called(*given: Any, **named: Any) -> Any:
                if self.due == number:
                    self.due = -1
                    print(f"planted {number}", file=sys.stderr, flush=True)
                    raise error("planted")
                return call(*given, **named)

            return called

        setattr(owner, name, property(failing(real.fget)) if isinstance(real, property) else failing(real))


if __name__ == "__main__":
    faults = Faults(Path(os.environ["PLYTALK_HOME"]) / "fault")
    for number, (owner, name) in enumerate(STEPS):
        faults.plant(number, owner, name)
    main()
