"""The simplest layers keep the contracts that they replace."""

import asyncio

import pytest

from plytalk.core.contracts.errors import CannotConnect, UnknownPeer
from plytalk.core.contracts.events import Message, Sender, notify, now
from plytalk.testing import (
    GivenKeys,
    PlainFrames,
    RecordingUi,
    TypedFrames,
    check_cipher,
    check_framer,
    check_handshake,
    check_messages,
    check_ui,
    verdict,
)
from plytalk.testing.parts import Nowhere, PlainWords, Unsealed


def test_they_pass_the_kit() -> None:
    for framer in (TypedFrames, PlainFrames):
        check_framer(framer)
    check_handshake(GivenKeys)
    check_cipher(Unsealed)
    check_messages(PlainWords)
    check_ui(RecordingUi)


async def test_nowhere_reaches_nobody() -> None:
    with pytest.raises(CannotConnect):
        await Nowhere().listen("here", 1)
    with pytest.raises(CannotConnect):
        await Nowhere().connect("here", 1)


async def test_the_ui_waits_for_what_it_is_told() -> None:
    ui = RecordingUi()
    said = Message(id="local/1", time=now(), sender=Sender(), text="hello")
    asyncio.get_running_loop().call_soon(ui.show, said)
    asyncio.get_running_loop().call_soon(notify, ui, "somebody speaks")
    await ui.until(messages=1, notices=1)
    notify(ui, "listening", "listening", address="here")
    await ui.until(listening=True)
    assert (ui.messages, ui.notices, ui.address) == (["hello"], ["somebody speaks", "listening"], "here")
    assert ui.events[0] is said


async def test_the_ui_says_what_came_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "PATIENCE", 0.01)
    ui = RecordingUi()
    ui.message("only this")
    with pytest.raises(AssertionError, match="only this"):
        await ui.until(messages=2)


async def test_the_ui_answers_as_it_was_told_to_or_not_at_all() -> None:
    assert await RecordingUi(answer=True).question_queue.ask("Well?", "--yes") is True
    assert await RecordingUi(answer=False).question_queue.ask("Well?", "--yes") is False
    with pytest.raises(UnknownPeer, match=r"Well\?"):
        await RecordingUi().question_queue.ask("Well?", "--yes")
