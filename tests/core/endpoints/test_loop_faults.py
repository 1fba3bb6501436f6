"""Faults of an event loop, told in a line."""

import asyncio
import errno
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest
from strangers import plant

from plytalk.cli.hidden_input import interruptible
from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.contracts.interruption import Interruption
from plytalk.core.contracts.shortage import shortage
from plytalk.core.endpoints.loop_faults import MOST_IN_A_ROW, NEVER_RETRIEVED, run_telling_faults
from plytalk.core.endpoints.notices import AT_ONCE

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
    assert lines_for(full) == [f"The system has no room for another connection: {shortage(TOLD).sentence}"]  # type: ignore[union-attr]
    gone = OSError(errno.EIO, "Input/output error")
    assert lines_for({"message": "It ends!", "exception": gone}) == ["It ends: input/output error."]


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


def test_many_that_are_alike_are_counted_also_where_the_program_ends_first() -> None:
    lines = lines_for(*[{"message": "It is full.", "exception": TOLD}] * 1000)
    assert len(lines) < 30
    assert lines[-1].startswith(f"... and {1000 - AT_ONCE} more like this")


def test_an_error_of_the_system_in_a_task_of_a_plugin_names_the_plugin(site: Path) -> None:
    text = "import errno\n\nasync def fails():\n    raise OSError(errno.EIO, 'Input/output error')\n"
    plant(site, "plytalk-feature-io", {"feature-io": text})
    fails_later = import_module("plytalk_feature_io_feature_io").fails

    async def main() -> None:
        kept = asyncio.ensure_future(fails_later())
        await asyncio.wait([kept])

    lines: list[str] = []
    run_telling_faults(main(), lines.append)
    (line,) = lines
    assert line.startswith(f"{NEVER_RETRIEVED}: The plugin `feature-io` of plytalk-feature-io 1.0 raised OSError. See ")


def test_a_task_that_fails_when_the_end_cancels_it_is_told_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    kept = []

    async def fails_when_cancelled() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise ValueError

    async def main() -> None:
        kept.append(asyncio.ensure_future(fails_when_cancelled()))
        await asyncio.sleep(0)

    lines: list[str] = []
    run_telling_faults(main(), lines.append)
    (line,) = lines
    assert line.endswith(f": ValueError. {REPORT_IT}")
    assert caplog.records == []


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


def test_control_c_at_a_question_ends_it_and_is_not_told() -> None:
    async def asks() -> None:
        with interruptible():
            signal.raise_signal(signal.SIGINT)

    async def main() -> None:
        await asyncio.get_running_loop().create_task(asks())

    lines: list[str] = []
    with pytest.raises(Interruption):
        run_telling_faults(main(), lines.append)
    assert lines == []


def test_control_c_before_the_loop_runs_ends_it_and_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    lines: list[str] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(signal, "signal", interrupted)
            with pytest.raises(KeyboardInterrupt):
                run_telling_faults(asyncio.sleep(1000), lines.append)
    finally:
        signal.signal(signal.SIGINT, before)
    assert lines == []


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
