"""`chat inspect` on a terminal, as its user sees it."""

from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, connect, serve
from screens import shown

DOWN, END, TAB, PAGE_DOWN = "\x1b[B", "\x1b[F", "\t", "\x1b[6~"
SAID = "Meet me at the usual place at nine."


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "talk.trace"
    assert chat("demo", "--trace", str(path), environment={**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}).returncode == 0
    return path


def test_it_steps_through_frames_and_layers_and_finds_words(trace: Path) -> None:
    with shown("inspect", str(trace), columns=80, rows=24) as screen:
        screen.until("e Eve")
        assert len(screen.rows) <= 24
        screen.type(DOWN)
        screen.type(DOWN)
        screen.until("magic = PLYTALK1")
        screen.type(TAB)
        screen.until("handshake  [framer]")
        screen.until("length = 96")
        screen.type("/usual place\r")
        screen.until(f"1 message: text = {SAID}"[:60])
        screen.type("e")
        screen.until("what an eavesdropper sees")
        screen.until(lambda: not any(SAID in row for row in screen.rows))
        screen.type("q")
        assert screen.ended() == 0


def test_it_leaves_the_terminal_by_control_c_and_is_drawn_again_when_the_size_changes(trace: Path) -> None:
    with shown("inspect", str(trace), columns=80, rows=24) as screen:
        screen.until("talk.trace  1 of ")
        screen.resize(120, 40)
        screen.until(lambda: any(row == "-" * 120 for row in screen.rows))
        screen.type("\x03")
        assert screen.ended() == 0


@pytest.mark.parametrize(("options", "term"), [(["--text"], "xterm-256color"), ([], "dumb")])
def test_text_is_printed_where_it_is_wanted_or_nothing_can_be_drawn(trace: Path, options: list[str], term: str) -> None:
    with shown("inspect", str(trace), *options, columns=120, rows=600, term=term) as screen:
        assert screen.ended() == 0
        assert any(f"1 message: text = {SAID}" in row for row in screen.rows)


def test_it_follows_a_conversation_that_is_going_on(tmp_path: Path) -> None:
    path = tmp_path / "live.trace"
    path.touch()
    with shown("inspect", str(path), "--live", columns=80, rows=24) as screen:
        screen.until("Waiting for the first frame.")
        screen.type("q")
        assert screen.ended() == 0
    plain = ("--profile", "secure-chat")
    path.unlink()
    with (
        serve(*plain, "--trace", str(path)) as server,
        connect(server.port, *plain) as client,
        shown("inspect", str(path), "--live", columns=80, rows=24) as screen,
    ):
        client.say("watch this")
        screen.until("  live  ")
        screen.until("watch this")
        screen.type("e")
        screen.until("what an eavesdropper sees")
        screen.until(lambda: not any("watch this" in row for row in screen.rows))
        screen.type("e/public key\r")
        screen.until("handshake")
        screen.until("[handshake]  framer")
        client.say("exit")
        screen.until(lambda: not any("  live  " in row for row in screen.rows))
        screen.type("\x1b[F")
        screen.until("ended: The other side said exit.")
        screen.type("q")
        assert screen.ended() == 0


def test_a_line_that_is_not_an_event_ends_it_in_words(trace: Path) -> None:
    kept = [line for line in trace.read_text().splitlines() if '"ended"' not in line]
    trace.write_text("\n".join(kept) + "\n")
    with shown("inspect", str(trace), "--live", columns=80, rows=24) as screen:
        screen.until("  live  ")
        with trace.open("a") as file:
            file.write("no\n")
        assert screen.ended() == 2
    assert f"Line {len(kept) + 1} of the trace is not a JSON object".encode() in screen.raw
