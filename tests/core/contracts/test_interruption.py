"""What comes out of a layer and is not its fault: Ctrl-C and the end of a cancelled task go on, everything else stops here."""

import asyncio
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from plytalk.core.contracts.interruption import codes_of, ignore_faults, let_through, raised_in


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def caught(number: signal.Signals) -> BaseException:
    with pytest.raises(KeyboardInterrupt) as raised:
        signal.raise_signal(number)
    return raised.value


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError, ValueError, RecursionError, MemoryError])
def test_what_a_layer_raises_is_its_fault_also_where_it_would_end_the_program(error: type[BaseException]) -> None:
    let_through(error())
    tried = []
    with ignore_faults():
        tried.append(error)
        raise error
    assert tried


@pytest.mark.parametrize("handler", [signal.default_int_handler, interrupt, partial(interrupt, None)])
def test_control_c_goes_on(handler: object) -> None:
    signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        let_through(caught(signal.SIGINT))


def test_a_signal_that_ends_the_program_goes_on_where_control_c_is_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interrupt)
    with pytest.raises(KeyboardInterrupt), ignore_faults():
        raise caught(signal.SIGTERM)


def test_a_keyboard_interrupt_that_no_signal_has_raised_is_a_fault() -> None:
    signal.signal(signal.SIGINT, interrupt)
    tried = []
    with ignore_faults():
        tried.append(True)
        raise KeyboardInterrupt
    assert tried


def test_what_raised_an_error_is_the_last_code_that_it_has_passed() -> None:
    signal.signal(signal.SIGTERM, interrupt)
    error = caught(signal.SIGTERM)
    assert codes_of(error)[-1] is interrupt.__code__
    assert raised_in(error, {interrupt.__code__})
    assert not raised_in(error, {caught.__code__})
    assert not raised_in(KeyboardInterrupt(), {interrupt.__code__})


async def test_the_end_of_a_cancelled_task_goes_on() -> None:
    async def waits() -> None:
        with ignore_faults():
            await asyncio.get_running_loop().create_future()

    task = asyncio.ensure_future(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_task_that_nobody_cancelled_does_not_end_by_what_it_waits_for() -> None:
    other = asyncio.get_running_loop().create_future()
    other.cancel()
    with ignore_faults():
        await other
    assert other.cancelled()
