"""Lines through pipes; tests/system/terminal/ holds the same UI on a terminal."""

import asyncio
import io
import os
import sys
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import OutputFailed, UnknownPeer
from plytalk.core.contracts.events import Event, Joined, Message, Renamed, Sender, Topic
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.io.lines import LineReader
from plytalk.core.registry.registry import Registry
from plytalk.plugins.transports.memory import Memory
from plytalk.plugins.uis.console import Console, layers
from plytalk.testing import RecordingUi, check_ui, stack_of


@pytest.fixture
def typing(pipe: tuple[int, io.FileIO]) -> tuple[Console, io.FileIO]:
    """A console whose standard input is the end of a pipe."""
    read, writer = pipe
    console = Console()
    console._lines = LineReader(read)
    return console, writer


async def converse(console: Console, place: str, says: list[str]) -> tuple[Ending, RecordingUi]:
    """A conversation of the console with somebody who says so much and leaves."""

    class Other(RecordingUi):
        """Says a few things, waits for the end."""

        async def run(self, session) -> None:
            for text in says:
                session.say(text)
            await super().run(session)

    hook = Registry(points=[]).manager.hook
    serving = stack_of(Memory, Other)
    other = serving.ui
    assert isinstance(other, Other)
    server = asyncio.create_task(Server(serving, hook).run(place, 0))
    await other.until(listening=True)
    ending = await Client(replace(stack_of(Memory), ui=console), hook).run(place, 0)
    await server
    return ending, other


def test_it_passes_the_kit(typing) -> None:
    console, _ = typing
    check_ui(lambda: console)


async def test_lines_of_input_are_said_and_its_end_says_exit(typing, capsys: pytest.CaptureFixture[str]) -> None:
    console, writer = typing
    writer.write("hello\n\nGrüße\nlast".encode())
    writer.close()
    ending, other = await converse(console, "input", [])
    assert other.messages == ["hello", "", "Grüße", "last"]
    assert ending == Ending(EndedBy.US, "You said exit.")
    out, err = capsys.readouterr()
    assert out == ""
    line = "test-typed | test-keys | test-unsealed | test-words"
    assert err == f"Talking to memory:server over {line}. Type exit to end.\nYou said exit.\n"


async def test_what_is_heard_is_printed_without_a_prompt(typing, capsys: pytest.CaptureFixture[str]) -> None:
    console, _ = typing
    ending, _ = await converse(console, "heard", ["hello", "", "\x1b[2Jevil", "exit"])
    assert ending.by is EndedBy.THEM
    out, err = capsys.readouterr()
    assert out == "Message Received: hello\nMessage Received: \nMessage Received: ␛[2Jevil\n"
    assert err.endswith("The other side said exit.\n")


async def test_exit_in_the_middle_of_input_ends_it_and_the_rest_is_not_lost(typing) -> None:
    console, writer = typing
    writer.write(b"one\n EXIT \ntwo\nthree\n")
    ending, other = await converse(console, "middle", [])
    assert ending.by is EndedBy.US
    assert other.messages == ["one"]
    writer.close()
    _, other = await converse(console, "next", [])
    assert other.messages == ["two", "three"], "who is there next hears it"


async def test_whoever_reads_no_more_ends_the_conversation(typing, monkeypatch: pytest.MonkeyPatch) -> None:
    console, _ = typing
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        with pytest.raises(OutputFailed, match="Standard output cannot be written: broken pipe"):
            await converse(console, "gone", ["hello"])


async def test_nobody_is_asked_off_a_terminal(typing) -> None:
    console, _ = typing
    with pytest.raises(UnknownPeer, match=r"Trust it\? There is no terminal to ask on.") as failure:
        await console.question_queue.ask("Trust it?", "Use --yes.")
    assert failure.value.hint == "Use --yes."


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Console]


# -- what happens in a room ---------------------------------------------------------------------------------------------------


async def test_what_the_user_typed_is_not_shown_again_but_what_it_brought_about_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    common: dict = {"id": "lobby/1", "time": datetime.now(UTC), "room": "lobby", "sender": Sender(name="alice"), "own": True}
    events: list[Event] = [
        Message(**common, text="said"),
        Message(**common, text="did", action=True),
        Joined(**common),
        Renamed(**common, name="al"),
        Topic(**common, text="tea"),
        Message(**common, text="told", private=True, to="bob"),
    ]
    for event in events:
        console.show(event)
    console._out.flush()
    assert capsys.readouterr().out.splitlines() == [
        "* [alice] is now [al].", "* [alice] set the topic: tea", "you, to bob alone: told",
    ]  # fmt: skip
