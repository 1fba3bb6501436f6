"""A program that forks a receiver for each line of standard input, so that a test can end it at any moment.

    python -m receiving FOLDER        and then lines: the path of what is sent, how many seconds each chunk is held back, and the
                                      line of code, counted from the beginning, before which the process ends itself; 0 for none

For each line it prints the process id, then what that process says: `from N` (where it goes on), `have N` after each chunk, and
`done NAME` or an error's sentence; and at last `end STATUS`.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from transferring import arriving, carry, offered

from plytalk.core.contracts.errors import ChatError


@contextmanager
def ending(line: int) -> Iterator[None]:
    """End this process, as the system would, before the line of the receiver's code that comes as this one."""
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if "plugins/files/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace if line else None)
    try:
        yield
    finally:
        sys.settrace(None)


def receive(path: Path, folder: Path, pause: float, line: int) -> None:
    with offered(path) as (source, tree, offer), ending(line), arriving(folder, offer) as partial:
        say(f"from {partial.received}")
        while partial.received < offer.size:
            time.sleep(pause)
            carry(source, tree, partial, chunks=1)
            say(f"have {partial.received}")
        say(f"done {partial.finish()}")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main() -> None:
    for line in sys.stdin:
        path, pause, number = line.split()
        child = os.fork()
        if not child:
            try:
                receive(Path(path), Path(sys.argv[1]), float(pause), int(number))
            except ChatError as error:
                say(error.sentence)
            finally:
                os._exit(0)
        say(str(child))
        say(f"end {os.waitpid(child, 0)[1]}")


if __name__ == "__main__":
    main()
