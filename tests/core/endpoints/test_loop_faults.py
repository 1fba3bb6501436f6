"""Faults of an event loop, told in a line."""

import asyncio
import errno
import os
import signal
import sys
import threading

import pytest

from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.endpoints.loop_faults import MOST_IN_A_ROW, run_telling_faults

TOLD = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def fails(data: bytes) -> None:
    raise KeyError(data)


async def report(*contexts: dict[str, object]) -> str:
    for context in contexts:
        asyncio.get_running_loop().call_exception_handler(context)
    return "done"


def lines_for(*contexts: dict[str, object]) -> list[str]:
    lines: list[str] = []
    assert run_telling_faults(report(*contexts), lines.append) == "done"
    return lines


def test_what_the_system_says_is_told_and_no_traceback() -> None:
    full = {"message": "The system has no room for another connection.", "exception": TOLD}
    assert lines_for(full) == ["The system has no room for another connection: too many open files."]


def test_a_fault_that_is_ours_is_told_without_what_was_in_it() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(fails, b"a secret\x1b[2J")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    lines: list[str] = []
    run_telling_faults(main(), lines.append)
    (line,) = lines
    assert line == f"Exception in callback fails: KeyError. {REPORT_IT}"
    assert lines_for({"message": "Odd\x1b[2J"}) == [f"Odd\N{SYMBOL FOR ESCAPE}[2J. {REPORT_IT}"]


def test_many_that_are_alike_are_counted() -> None:
    assert len(lines_for(*[{"message": "It is full.", "exception": TOLD}] * 1000)) < 30


def leaves() -> None:
    sys.exit(3)


def test_the_loop_goes_on_after_what_would_end_it_and_keeps_no_waiting_task() -> None:
    tasks: list[int] = []

    async def main() -> str:
        loop = asyncio.get_running_loop()
        for _ in range(5):
            loop.call_soon(leaves)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        tasks.append(len(asyncio.all_tasks()))
        return "done"

    lines: list[str] = []
    assert run_telling_faults(main(), lines.append) == "done"
    assert lines == [f"A callback in the event loop raised SystemExit. {REPORT_IT}"] * 5
    assert tasks == [2]


def test_what_main_itself_raises_goes_on() -> None:
    async def main() -> None:
        leaves()

    with pytest.raises(SystemExit):
        run_telling_faults(main(), [].append)


def test_control_c_goes_on() -> None:
    ends: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().call_soon(leaves)
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ends.append("cancelled")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_telling_faults(main(), [].append)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ends == ["cancelled"]


def test_a_loop_that_gets_nowhere_ends() -> None:
    class Stuck(asyncio.SelectorEventLoop):
        """Calls what raises before all others, as uvloop does with a reader."""

        left = MOST_IN_A_ROW + 1

        def run_forever(self) -> None:
            if self.left:
                self.left -= 1
                leaves()
            super().run_forever()

    lines: list[str] = []
    with pytest.raises(SystemExit):
        run_telling_faults(asyncio.sleep(1000), lines.append, Stuck)
    assert set(lines) == {f"A callback in the event loop raised SystemExit. {REPORT_IT}"}


def test_what_ends_a_thread_is_told_but_for_a_usual_end() -> None:
    async def main() -> None:
        for target in (leaves, lambda: fails(b"x")):
            thread = threading.Thread(target=target)
            thread.start()
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)

    lines: list[str] = []
    before = threading.excepthook
    run_telling_faults(main(), lines.append)
    assert lines == [f"Exception in a thread: KeyError. {REPORT_IT}"]
    assert threading.excepthook is before
