"""`chat inspect`: a recorded conversation on the screen, for programs, as a page, as a capture, and while it goes on."""

import json
from random import Random
from typing import Any

import pytest
from programs import ENVIRONMENT, chat, complaint, connect, serve, started

from plytalk import __version__
from plytalk.cli.inspect import details
from plytalk.cli.inspect import lines as printed
from plytalk.cli.stepper import Stepper
from plytalk.core.contracts.sanitise import clean
from plytalk.lab.inspect.capture import capture
from plytalk.lab.inspect.dissector import dissector
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.page import page
from plytalk.lab.inspect.trace_file import read


@pytest.fixture
def trace(tmp_path):
    environment = {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}
    path = tmp_path / "talk.trace"
    assert chat("demo", "--trace", str(path), environment=environment).returncode == 0
    return path


def test_it_steps_through_the_layers(trace) -> None:
    run = chat("inspect", str(trace))
    assert run.returncode == 0
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert any("-> preamble" in line for line in lines)
    assert any("<- message B" in line for line in lines)
    assert any("1 message: text = Meet me at the usual place at nine." in line for line in lines)
    assert "\x1b" not in run.stdout


def test_it_says_where_each_layer_comes_from(trace) -> None:
    [begun] = [event for event in read(trace) if event.what == "started"]
    [frame] = inspect_frames([begun])
    assert f"    framer     u16 (plytalk {__version__})" in list(details(frame, begun))
    assert "_version" not in "".join([*details(frame, begun), *printed(frame)])


def test_an_empty_trace_is_said_to_be_empty(trace) -> None:
    trace.write_bytes(trace.read_bytes().partition(b"\n")[0] + b"\n")
    run = chat("inspect", str(trace))
    assert (run.returncode, run.stdout) == (0, "")
    assert run.stderr == f"{trace} is an empty trace: it ended before anything was recorded.\n"


def test_a_trace_without_a_frame_is_said_to_be_empty(trace) -> None:
    head, *events = trace.read_bytes().splitlines(keepends=True)
    trace.write_bytes(head + next(line for line in events if json.loads(line)["name"] == "transport:in"))
    run = chat("inspect", str(trace))
    assert (run.returncode, run.stdout) == (0, "")
    assert "is an empty trace" in run.stderr


def test_programs_get_every_frame(trace) -> None:
    frames = json.loads(chat("inspect", str(trace), "--json").stdout)
    names = [frame["name"].removeprefix("ack, ") for frame in frames if frame["way"]]
    assert names[:6] == ["preamble", "preamble", "message A", "message B", "message C", "empty record"]
    assert [name for name in names[6:] if name != "ack"] == ["message", "message", "close", "close"]


def test_a_page_and_a_capture_are_written(trace, tmp_path) -> None:
    run = chat("inspect", str(trace), "--html", str(tmp_path / "a.html"), "--pcapng", str(tmp_path / "a.pcapng"))
    assert run.returncode == 0
    assert run.stdout == ""
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "a.pcapng").read_bytes().startswith(bytes.fromhex("0a0d0d0a"))


def test_what_wireshark_needs_is_written_into_a_folder(trace, tmp_path) -> None:
    folder = tmp_path / "made" / "here"
    for _ in range(2):
        run = chat("inspect", str(trace), "--wireshark", str(folder))
        assert (run.returncode, run.stdout) == (0, "")
    assert f"wireshark -X lua_script:{folder / 'plytalk.lua'} {folder / 'conversation.pcapng'}" in run.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["conversation.pcapng", "plytalk.keys", "plytalk.lua"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert (folder / "conversation.pcapng").read_bytes().startswith(bytes.fromhex("0a0d0d0a"))
    assert "Meet me at the usual place at nine." in (folder / "plytalk.keys").read_text()
    assert "cannot be made: " in complaint(chat("inspect", str(trace), "--wireshark", str(trace / "x")))


def test_beside_a_conversation_it_shows_each_frame_as_it_comes(tmp_path) -> None:
    plain, path = ("--profile", "secure-chat"), tmp_path / "live.trace"
    with (
        serve(*plain, "--trace", str(path)) as server,
        connect(server.port, *plain) as client,
        started("inspect", str(path), "--live") as view,
    ):
        client.say("watch this")
        while "watch this" not in (line := view.hear()):
            assert line, "the view ended before the words came"
        client.say("exit")
        assert view.status() == 0


def test_a_conversation_that_goes_on_is_neither_a_page_nor_a_list(trace) -> None:
    run = chat("inspect", str(trace), "--live", "--json")
    assert (run.returncode, run.stdout) == (2, "")
    assert "--live shows a conversation that is going on." in complaint(run)


def test_what_a_peer_said_cannot_steer_the_terminal(tmp_path) -> None:
    path = tmp_path / "talk.trace"
    raw = "\x1b[2J\x9b31m\u202e".encode().hex()
    event = {"time": 0, "name": "framer:in", "what": "\x1b]0;x\x07", "data": {"\x1b[1m": "\x1b[2J"}, "raw": raw}
    event["spans"] = [["\x1b[1m\u202e", 0, 2, "\x1b[2J\x9b31m", "\x1b[5m\x07"]]
    end = {"time": 0, "name": "session", "what": "ended", "data": {"by": "\x1b[5m"}, "raw": raw}
    path.write_text("\n".join(json.dumps(line) for line in ({"plytalk_trace": 1}, event, end)) + "\n")
    shown = chat("inspect", str(path)).stdout
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(shown)


def edited(lines: list[dict[str, Any]], draw: Random) -> list[dict[str, Any]]:
    """The lines of a trace, some of them changed, moved, repeated or left out."""
    lines = list(lines)
    for _ in range(draw.randint(1, 8)):
        at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        spans = [["name", draw.randrange(9), draw.randrange(1, 9), "value", "more"] for _ in range(draw.randrange(4))]
        changes: list[dict[str, Any]] = [
            {"name": lines[other]["name"]},
            {"raw": draw.choice(["", "00", lines[other]["raw"]])},
            {"group": draw.choice(["", "client 0", "\u2028"])},
            {"spans": spans},
            {"what": draw.choice(["started", "ended", "\x1b"])},
            {"data": draw.choice([{}, {"role": "x", "peer": "]:99", "attacked": "x"}, {"secrecy": "none"}])},
        ]
        match draw.randrange(8):
            case 0:
                lines[at], lines[other] = lines[other], lines[at]
            case 1:
                lines = lines[: at + 1]
            case _:
                lines[at] = lines[at] | draw.choice(changes)
    return lines


def test_whatever_a_trace_holds_every_form_shows_it(trace, tmp_path) -> None:
    head, *lines = trace.read_text().splitlines()
    whole, draw = [json.loads(line) for line in lines], Random(7)
    for _ in range(200):
        path = tmp_path / "edited.trace"
        path.write_text("\n".join([head, *map(json.dumps, edited(whole, draw))]) + "\n")
        events = read(path)
        frames = inspect_frames(events)
        assert [line for frame in frames for line in printed(frame) if clean(line) != line] == []
        assert page(frames, "t").count("</script>") == 2
        assert dissector(frames)[1].startswith("# ")
        assert capture(events)
        stepper = Stepper(frames, "t", details)
        for key in ("down", "tab", "e", "end", "/", "z", "enter", "home"):
            stepper.press(key)
            assert stepper.lines(80, 24)


def test_what_is_no_trace_is_refused_in_one_sentence(tmp_path) -> None:
    (tmp_path / "x").write_text("hello\n")
    run = chat("inspect", str(tmp_path / "x"))
    assert run.returncode == 2
    assert "Line 1 of the trace is not a JSON object" in complaint(run)
    assert "cannot be read" in complaint(chat("inspect", str(tmp_path / "nowhere")))
