"""Faults of an event loop, told in a line."""

import asyncio
import errno
import os

from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.endpoints.loop_faults import telling_faults

TOLD = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def fails(data: bytes) -> None:
    raise KeyError(data)


async def report(*contexts: dict[str, object]) -> str:
    for context in contexts:
        asyncio.get_running_loop().call_exception_handler(context)
    return "done"


def lines_for(*contexts: dict[str, object]) -> list[str]:
    lines: list[str] = []
    assert asyncio.run(telling_faults(report(*contexts), lines.append)) == "done"
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
    asyncio.run(telling_faults(main(), lines.append))
    (line,) = lines
    assert line == f"Exception in callback fails: KeyError. {REPORT_IT}"
    assert lines_for({"message": "Odd\x1b[2J"}) == [f"Odd\N{SYMBOL FOR ESCAPE}[2J. {REPORT_IT}"]


def test_many_that_are_alike_are_counted() -> None:
    assert len(lines_for(*[{"message": "It is full.", "exception": TOLD}] * 1000)) < 30
