"""One JSON object a line, for programs."""

import asyncio
import contextlib
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.ui import Said
from plytalk.core.io.lines import LineReader
from plytalk.plugins.uis.jsonl import Jsonl, layers
from plytalk.testing import Endpoint, check_ui, open_ends, stack_of


@pytest.fixture
def program(pipe: tuple[int, io.FileIO]) -> tuple[Jsonl, io.FileIO]:
    """The UI, and what writes its standard input."""
    read, writer = pipe
    ui = Jsonl()
    ui._lines = LineReader(read)
    return ui, writer


async def obeys(ui: Jsonl, writer: io.FileIO, *orders: object) -> Endpoint:
    """The other side, when the UI has read these orders and the end of its input."""
    for order in orders:
        writer.write((order if isinstance(order, str) else json.dumps(order)).encode() + b"\n")
    writer.close()
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        await ui.run(side.session)
        ui.closed(side.session, await side.over())
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
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "type": "open",
            "peer": "memory:server",
            "stack": {
                "transport": "test-nowhere",
                "framer": "test-typed",
                "handshake": "test-keys",
                "cipher": "test-unsealed",
                "messages": "test-words",
                "ui": "jsonl",
            },
        },
        {"type": "closed", "reason": "You said exit."},
    ]
    assert err == "Talking to memory:server over test-typed | test-keys | test-unsealed | test-words.\n"


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
        '{"type": "message", "text": "a", "to": "b"}',
        '{"type": "exit", "now": true}',
        '{"type": "shout", "text": "a"}',
        '{"type": "message", "text": "a"',
        "[" * 50_000,
        "\x00",
        "NaN",
    ],
    ids=lambda order: order[:30],
)
async def test_what_is_no_order_is_skipped_and_said(program, order: str, capsys: pytest.CaptureFixture[str]) -> None:
    ui, writer = program
    other = await obeys(ui, writer, order, {"type": "message", "text": "after"})
    assert other.ui.messages == ["after"]
    assert "Skipped a line of input that is neither" in capsys.readouterr().err


async def test_a_skipped_line_is_something_not_done(program) -> None:
    ui, writer = program
    writer.write(b'{"type": "message", "text": \n')
    writer.close()
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, other):
        await ui.run(side.session)
        assert side.session.failed
        await other.over()


async def test_halves_of_surrogate_pairs_are_replaced_with_one_notice(program, capsys: pytest.CaptureFixture[str]) -> None:
    ui, writer = program
    texts = ["a\ud800b", "\udfff\udfff", "\U0001f600"]
    other = await obeys(ui, writer, *({"type": "message", "text": text} for text in texts))
    assert other.ui.messages == ["a\ufffdb", "\ufffd\ufffd", "\U0001f600"]
    assert capsys.readouterr().err.count("surrogate") == 1


@given(st.text(st.characters(codec=None)))
def test_whatever_is_heard_is_one_line_of_ascii_that_says_it_exactly(text: str) -> None:
    async def main() -> str:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            Jsonl().message(text)
        return shown.getvalue()

    line = asyncio.run(main())
    assert line.endswith("\n")
    assert line[:-1].isascii()
    assert line[:-1].isprintable()
    assert json.loads(line) == {"type": "message", "text": text}


async def test_what_is_heard_is_not_cleaned_twice(program, capsys: pytest.CaptureFixture[str]) -> None:
    ui, _ = program
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (_, other):
        other.say("\x1b[2J")
        other.say("exit")
        await other.over()
    assert '{"type": "message", "text": "\\u001b[2J"}' in capsys.readouterr().out


async def test_what_happens_among_several_is_told_with_all_it_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "b\x1b[2J\n\u202e\x7f\x9b"
    ui = Jsonl()
    ui.event(Said(f"{evil}: hello", "said", evil, f"hello{evil}", 7, 1790000000000, ("not authenticated",), True))
    ui.event(Said("* [bob] is here.", "joined", "bob", ""))
    ui._out.flush()
    out = capsys.readouterr().out
    first, second = out.splitlines()
    assert out.isascii()
    assert (first + second).isprintable()
    assert json.loads(first) == {
        "type": "event", "kind": "said", "sender": evil, "text": f"hello{evil}", "id": 7, "time": 1790000000000,
        "marks": ["not authenticated"], "own": True,
    }  # fmt: skip
    assert json.loads(second)["kind"] == "joined"


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Jsonl]
