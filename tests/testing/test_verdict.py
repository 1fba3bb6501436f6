"""What the checks have in common can itself fail."""

import asyncio

import pytest

from plytalk.core.contracts.errors import Tampered
from plytalk.core.contracts.peers import SessionSecrets
from plytalk.testing import verdict
from plytalk.testing.verdict import demand, demand_silence, judged, run, shows, told, within

KEY = bytes(range(100, 116))


def test_a_demand_that_is_not_met_raises_its_sentence() -> None:
    demand(True, "never seen")
    with pytest.raises(AssertionError, match="said so"):
        demand(0, "said so")


def test_whatever_a_layer_raises_becomes_a_sentence() -> None:
    @judged
    def check() -> None:
        raise Tampered("It was changed.")

    with pytest.raises(AssertionError, match=r"raises Tampered \(It was changed\.\) at .*test_verdict.py:\d+ where") as failure:
        check()
    assert isinstance(failure.value.__cause__, Tampered)


def test_a_task_left_behind_is_found() -> None:
    async def leave() -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))

    left: list[asyncio.Task[bool]] = []
    with pytest.raises(AssertionError, match="leaves tasks running"):
        run(leave)


def test_an_error_lost_in_the_loop_is_found() -> None:
    async def lose() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)

    with pytest.raises(AssertionError, match="got lost in the event loop") as failure:
        run(lose)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


async def test_run_works_inside_a_loop_too() -> None:
    async def answer() -> int:
        return 42

    assert run(answer) == 42


async def test_what_never_comes_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "PATIENCE", 0.01)
    with pytest.raises(AssertionError, match="it never came"):
        await within(asyncio.Event().wait(), "it never came")


@pytest.mark.parametrize(
    "form",
    [
        KEY.hex(),
        KEY.hex().upper(),
        KEY.hex(" "),
        repr(KEY),
        "ZGVmZ2hpamtsbW5vcHFycw==",
        KEY.decode("latin-1"),
        f"key={KEY.hex()}!",
    ],
)
def test_a_secret_is_seen_in_every_usual_notation(form: str) -> None:
    assert shows(f"before {form} after", KEY)
    with pytest.raises(AssertionError, match="secret key in the log"):
        demand_silence(form, SessionSecrets(b"", KEY), "the log")


def test_what_is_no_secret_is_not_seen() -> None:
    assert not shows("nothing here", KEY)
    assert not shows("an empty key shows nothing", b"")
    demand_silence("nothing here", SessionSecrets.shared(KEY), "the log")


def test_all_that_is_ever_shown_of_an_error_is_looked_at() -> None:
    error = Tampered("the words")
    error.__cause__ = ValueError("the cause")
    assert "the cause" in told(error)
    assert "the words" in told(error)
