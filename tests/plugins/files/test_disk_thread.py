"""Work on the disk beside the event loop: in order, to its end, with what it raises."""

import asyncio
import threading
import weakref

import pytest

from plytalk.core.contracts.errors import Shortage
from plytalk.core.contracts.shortage import NO_THREAD
from plytalk.plugins.files.disk_thread import DiskThread


async def test_one_thing_is_done_after_another_in_one_thread_that_ends() -> None:
    thread, done = DiskThread(), []
    works = [thread.start(lambda number=number: done.append((number, threading.get_ident()))) for number in range(50)]  # type: ignore[misc]
    works[49].cancel()  # nobody waits for it: it is done all the same
    await thread.end(lambda: done.append((50, threading.get_ident())))
    assert [number for number, _ in done] == [*range(51)]
    (ident,) = {ident for _, ident in done}
    assert ident != threading.get_ident()
    while ident in [one.ident for one in threading.enumerate()]:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    with pytest.raises(RuntimeError):
        thread.start(lambda: None)


async def test_what_it_raises_comes_to_the_one_that_waits() -> None:
    thread = DiskThread()
    with pytest.raises(ZeroDivisionError):
        await thread.start(lambda: 1 // 0)
    assert await thread.start(lambda: 5) == 5
    await thread.end(lambda: None)


def test_what_is_done_when_the_program_has_ended_is_told_to_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    go_on = threading.Event()

    async def program() -> "tuple[DiskThread, threading.Thread]":
        before = threading.enumerate()
        thread = DiskThread()
        thread.start(go_on.wait)
        (made,) = [one for one in threading.enumerate() if one not in before]
        return thread, made

    thread, made = asyncio.run(program())
    go_on.set()
    del thread
    made.join()
    assert capfd.readouterr().err == ""


async def test_where_the_system_starts_no_thread_the_one_that_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError(NO_THREAD)

    monkeypatch.setattr(threading.Thread, "start", refuses)
    thread = DiskThread()
    with pytest.raises(Shortage):
        await thread.start(lambda: 5)
    done: list[int] = []
    await thread.end(lambda: done.append(1))
    assert done == [1], "what closes files is done all the same"


async def test_a_thread_that_waits_holds_nothing_and_ends_when_nobody_can_ask_for_more() -> None:
    class Large:
        """What is worked on."""

    before, large = threading.enumerate(), Large()
    held = weakref.ref(large)
    thread = DiskThread()
    assert isinstance(await thread.start(lambda large=large: large), Large)
    (made,) = [one for one in threading.enumerate() if one not in before]
    del large
    while held():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    del thread
    await asyncio.to_thread(made.join)
