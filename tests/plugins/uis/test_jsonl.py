"""One JSON object per line, for programs."""

import asyncio
import contextlib
import io
import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.events import Message, Sender, You, now
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.conversation.ui_hearer import show_closed
from plytalk.plugins.uis.jsonl import MAX_LINE, Jsonl, as_line, layers
from plytalk.testing import Endpoint, check_ui, open_ends, stack_of
from plytalk.testing.verdict import idle


@pytest.fixture
def program(pipe: tuple[int, io.FileIO]) -> tuple[Jsonl, io.FileIO]:
    """The UI, and what writes its standard input."""
    read, writer = pipe
    ui = Jsonl()
    ui._lines._fd = read
    return ui, writer


async def obeys(ui: Jsonl, writer: io.FileIO, *orders: object) -> Endpoint:
    """The other side, when the UI has read these orders and the end of its input."""
    for order in orders:
        writer.write((order if isinstance(order, str) else json.dumps(order)).encode() + b"\n")
    writer.close()
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        await ui.run(side.session)
        show_closed(ui, await side.over())
        await other.over()
    return other


def test_it_passes_the_kit(program) -> None:
    ui, _ = program
    check_ui(lambda: ui)


async def test_orders_are_obeyed_and_events_told(program, capsys: pytest.CaptureFixture[str]) -> None:
    ui, writer = program
    other = await obeys(
        ui, writer, {"type": "message", "text": "hello"}, {"type": "message", "text": "a\nb\u2028"}, {"type": "exit"}
    )
    assert other.ui.messages == ["hello", "a␊b\\u{2028}"]
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [event.pop("id") for event in events] == [f"local/{number}" for number in range(1, 5)]
    assert all(datetime.fromisoformat(event.pop("time")).tzinfo for event in events)
    us = {"name": None, "key": None, "marks": []}
    said = {"type": "message", "sender": us, "room": None, "own": True, "replayed": False, "action": False, "private": False}
    layers = {"transport": "test-nowhere", "framer": "test-typed", "handshake": "test-keys", "cipher": "test-unsealed",
              "messages": "test-words", "ui": "jsonl"}  # fmt: skip
    assert events == [
        {
            "type": "open", "version": 1, "peer": "memory:server", "role": "client", "stack": layers,
            "line": "test-typed | test-keys | test-unsealed | test-words", "key": None,
        },
        {**said, "text": "hello", "to": None},
        {**said, "text": "a\nb\u2028", "to": None},
        {"type": "closed", "reason": "You said exit.", "by": "us", "exit_code": 0, "final": True},
    ]  # fmt: skip
    assert err == ""


async def test_the_end_of_input_says_exit(program) -> None:
    ui, writer = program
    other = await obeys(ui, writer)
    assert other.session.ending is not None
    assert other.session.ending.by is EndedBy.THEM


@pytest.mark.parametrize(
    "order",
    [
        "",
        "hello",
        "[]",
        "null",
        '"exit"',
        "{}",
        '{"type": "message"}',
        '{"type": "message", "text": 42}',
        '{"type": "message", "text": "a", "to": 7}',
        '{"type": "command"}',
        '{"type": "command", "command": "who", "args": "all"}',
        '{"type": "message", "text": "half \\ud800"}',
        '{"type": "exit", "now": true}',
        '{"type": "shout", "text": "a"}',
        '{"type": "typing", "on": 1}',
        '{"type": "read"}',
        '{"type": "message", "text": "a"',
        "[" * 50_000,
        "\x00",
        "NaN",
    ],
    ids=lambda order: order[:30],
)
async def test_what_is_no_order_is_answered_by_an_error(program, order: str, capsys: pytest.CaptureFixture[str]) -> None:
    ui, writer = program
    other = await obeys(ui, writer, order, {"type": "message", "text": "after"})
    assert other.ui.messages == ["after"]
    (error,) = [event for event in map(json.loads, capsys.readouterr().out.splitlines()) if event["type"] == "error"]
    assert error["text"].startswith("A line of input was not understood: ")
    assert error["code"] == "bad-input"
    assert '{"type":"exit"}' in error["hint"]


async def test_a_skipped_line_is_something_not_done(program) -> None:
    ui, writer = program
    writer.write(b'{"type": "message", "text": \n')
    writer.close()
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        await ui.run(side.session)
        assert side.session.failed
        await other.over()


async def test_commands_go_to_the_conversation_and_a_message_to_one_is_one_of_them(program) -> None:
    class Commanded:
        """Notes its commands."""

        ending, given = None, []

        def command(self, name: str, args: tuple[str, ...] = (), request: str | None = None) -> None:
            self.given.append((name, args, request))

        def exit(self) -> None:
            """Nothing."""

    ui, writer = program
    for order in (
        {"type": "command", "command": "kick", "args": ["al ice", "spam"], "request": "1"},
        {"type": "command", "command": "who"},
        {"type": "message", "text": "psst", "to": "bob"},
    ):
        writer.write(json.dumps(order).encode() + b"\n")
    writer.close()
    conversation = Commanded()
    with contextlib.suppress(AttributeError):  # it has no `drain`
        await ui.run(conversation)
    assert conversation.given == [("kick", ("al ice", "spam"), "1"), ("who", (), None), ("msg", ("bob", "psst"), None)]


@pytest.mark.parametrize(
    ("order", "option"), [({"type": "typing"}, "--typing"), ({"type": "read", "id": "lobby/1"}, "--receipts")]
)
async def test_a_signal_that_was_not_chosen_is_answered_by_an_error(
    program, order: object, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ui, writer = program
    await obeys(ui, writer, order)
    (error,) = [event for event in map(json.loads, capsys.readouterr().out.splitlines()) if event["type"] == "error"]
    assert error["code"] == "not-chosen"
    assert option in error["hint"]


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        ('{"type":"command","command":"who","args":"x","request":"7"}', "7"),
        ('{"type":"command","command":"who","request":7}', "7"),
        ('{"type":"command","request":"7"}', "7"),
        ('{"type":"command","command":"who","request":true}', None),
        ('{"type":"command","command":"who","request":{}}', None),
        ('["request"]', None),
        ('{"request":"7"', None),
    ],
)
async def test_the_error_for_a_malformed_request_has_its_id(
    program, line: str, request_id: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    ui, writer = program
    await obeys(ui, writer, line)
    (error,) = [event for event in map(json.loads, capsys.readouterr().out.splitlines()) if event["type"] == "error"]
    assert (error["code"], error["request"]) == ("bad-input", request_id)


@pytest.mark.parametrize(("room", "said"), [("lobby", "//kick bob"), (None, "/kick bob")])
async def test_a_message_in_a_room_is_never_a_command_or_a_goodbye(
    program, room: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Listens:
        """Notes what is said."""

        ending, said = None, []

        def say(self, text: str) -> None:
            self.said.append(text)

        async def drain(self) -> None:
            """Nothing waits."""

        def exit(self) -> None:
            """Nothing."""

    ui, writer = program
    conversation = Listens()
    conversation.said = []
    for text in ("before", " ", "/kick bob", " EXIT ", "after"):
        writer.write(json.dumps({"type": "message", "text": text}).encode() + b"\n")
    writer.close()
    running = asyncio.create_task(ui.run(conversation))
    while not conversation.said:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await idle()
    assert conversation.said == ["before"], "it is not known yet whether there are commands"
    ui.show(You(id="local/1", time=now(), sender=Sender(name="erin"), room=room))
    await running
    assert conversation.said == ["before", *([] if room else [" "]), said, *([] if room else [" EXIT "]), "after"]
    codes = re.findall('"code":"(.*?)"', capsys.readouterr().out)
    assert codes == (["empty", "exit"] if room else [])


async def test_signals_go_to_the_conversation(program) -> None:
    class RecordingConversation:
        """Keeps the signals that it is given."""

        ending, signals = None, []

        def tell_typing(self, on: bool) -> bool:
            self.signals.append(on)
            return True

        def tell_read(self, id: str) -> bool:
            self.signals.append(id)
            return True

    ui, writer = program
    for order in ({"type": "typing"}, {"type": "typing", "on": False}, {"type": "read", "id": "lobby/41"}):
        writer.write(json.dumps(order).encode() + b"\n")
    writer.close()
    conversation = RecordingConversation()
    with contextlib.suppress(AttributeError):  # it has no `drain`
        await ui.run(conversation)
    assert conversation.signals == [True, False, "lobby/41"]


async def test_a_chat_of_two_answers_a_command_with_an_error(program, capsys: pytest.CaptureFixture[str]) -> None:
    ui, writer = program
    await obeys(ui, writer, {"type": "command", "command": "who", "request": "7"})
    (error,) = [event for event in map(json.loads, capsys.readouterr().out.splitlines()) if event["type"] == "error"]
    assert (error["code"], error["command"], error["request"]) == ("no-commands", "who", "7")


@pytest.mark.parametrize("character", ["x", "é", "\N{GRINNING FACE}"])
async def test_a_line_that_is_too_long_is_answered_by_an_error_and_what_follows_is_said(
    program, character: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ui, writer = program
    long = f'"{character * MAX_LINE}"\n{{"type":"message","text":"after"}}\n'.encode()
    writing = asyncio.create_task(asyncio.to_thread(write_all, writer, long))
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        running = asyncio.create_task(ui.run(side.session))
        await writing
        writer.close()
        await running
        await other.over()
    errors = [event for event in map(json.loads, capsys.readouterr().out.splitlines()) if event["type"] == "error"]
    assert [f"longer than a line may be ({MAX_LINE:,} bytes)" in error["text"] for error in errors] == [True]
    assert other.ui.messages == ["after"]


def write_all(writer: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[writer.write(rest) or 0 :]


@pytest.mark.parametrize("form", ["\\u0001", "\\u00e9"])
async def test_the_longest_message_can_be_said_however_it_is_escaped(program, form: str) -> None:
    ui, writer = program
    size = len(json.loads(f'"{form}"').encode())
    line = f'{{"type":"message","text":"{form * (DEFAULT_LIMITS.message // size)}"}}\n'.encode()
    writing = asyncio.create_task(asyncio.to_thread(write_all, writer, line))
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        running = asyncio.create_task(ui.run(side.session))
        await writing
        writer.close()
        await running
        await other.over()
    assert len(other.ui.messages) == 1


@given(st.text(st.characters(codec=None)))
def test_whatever_is_heard_is_one_line_of_ascii_that_says_it_exactly(text: str) -> None:
    line = as_line(Message(id="local/1", time=now(), sender=Sender(), text=text))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == text


async def test_what_is_heard_is_not_cleaned_twice(program, capsys: pytest.CaptureFixture[str]) -> None:
    ui, _ = program
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (_, other):
        other.say("\x1b[2J")
        other.say("exit")
        await other.over()
    assert '"text":"\\u001b[2J"' in capsys.readouterr().out


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Jsonl]
