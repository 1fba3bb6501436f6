"""Standard input, output and error that are closed, full, or read by nobody."""

import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import COMMAND, ENVIRONMENT, connect, serve, started

from plytalk.core.contracts.errors import OutputFailed
from plytalk.core.io import standard_streams as standard

SECURE_CHAT = ("--profile", "secure-chat")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, a device that is always full")

CLOSED = [numbers for many in range(4) for numbers in itertools.combinations("012", many)]
COMMANDS = [("--help",), ("explain", "--cipher", "none"), ("connect", "no host"), ("plugins", "--json")]
PROGRAM = """
import os, socket, sys
from plytalk.core.io.standard_streams import prepare
prepare()
with socket.socket() as first:
    assert first.fileno() > 2, first.fileno()
print(sys.stdin.read(), file=sys.stdout)
print("a notice", file=sys.stderr)
sys.stdout.flush()
"""


def shell(command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command, *arguments],
        input="",
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("closed", CLOSED, ids="".join)
def test_what_is_closed_is_opened_and_no_socket_gets_its_number(closed: tuple[str, ...]) -> None:
    shut = " ".join(f"{number}>&-" for number in closed)
    run = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {shut}', sys.executable, PROGRAM],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == ("" if "1" in closed else "\n")
    assert run.stderr == ("" if "2" in closed else "a notice\n")


@pytest.mark.parametrize(
    "closed", [numbers for many in range(1, 4) for numbers in itertools.combinations("012", many)], ids="".join
)
@pytest.mark.parametrize(
    "arguments", [("--help",), ("explain", "--cipher", "none"), ("connect", "no host"), ("plugins", "--json")]
)
def test_no_command_minds_what_is_closed(arguments: tuple[str, ...], closed: tuple[str, ...]) -> None:
    shut = " ".join(f"{number}>&-" for number in closed)
    run = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {shut}', *COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert run.returncode == (2 if arguments[0] == "connect" else 0), run.stderr
    assert "Traceback" not in run.stderr


@needs_full
@pytest.mark.parametrize("arguments", [("--help",), ("explain",), ("plugins",), ("completion", "bash"), ("serve", "--help")])
def test_an_answer_that_cannot_be_written_is_a_failure_in_one_sentence(arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        run = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    assert run.stderr == "chat: Standard output cannot be written: no space left on device.\n"
    assert run.returncode == 1


@needs_full
@pytest.mark.parametrize("arguments", [("connect", "no host"), ("explain",)])
def test_a_notice_that_cannot_be_written_is_dropped(arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        run = subprocess.run([*COMMAND, *arguments], stderr=full, stdout=subprocess.PIPE, env=ENVIRONMENT, check=False)
    assert run.returncode == (2 if arguments[0] == "connect" else 0)


@needs_full
@pytest.mark.parametrize("ui", ["console", "jsonl"])
def test_a_conversation_that_cannot_be_shown_ends_with_a_goodbye_and_one_sentence(ui: str) -> None:
    with serve(*SECURE_CHAT) as server:
        command = ("/bin/sh", "-c", 'exec "$0" "$@" >/dev/full', *COMMAND)
        with connect(server.port, *SECURE_CHAT, "--ui", ui, command=command) as client:
            server.say("can you see this?")
            assert client.process.wait(180) == 1
            client.status()
        assert [line for line in client.told if line.startswith("chat: ")] == [
            "chat: Standard output cannot be written: no space left on device."
        ]
        assert client.told[-1].startswith("chat: ")
        assert server.status() == 0
        assert any("said exit" in line for line in server.told), server.told


@pytest.mark.parametrize("shut", ["2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_a_server_goes_on_without_standard_error(shut: str, tmp_path: Path) -> None:
    place = tmp_path / "socket"
    command = ("/bin/sh", "-c", f'exec "$0" "$@" {shut}', *COMMAND)
    options = ("serve", "--transport", "unix", "--host", str(place), "--keep", "--headless", "--log-json", "-")
    home = {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path)}
    with started(*options, environment=home, command=command) as server:
        while not place.exists():
            assert server.process.poll() is None
        for _ in range(2):
            run = subprocess.run(
                [*COMMAND, "connect", "--transport", "unix", str(place), "--cipher", "noise", "--accept-new"],
                input="hello\n", capture_output=True, text=True, env=home, check=False, timeout=180,
            )  # fmt: skip
            assert "Traceback" not in run.stderr
        assert server.process.poll() is None


def test_with_a_log_on_standard_error_every_line_of_it_is_json(tmp_path: Path) -> None:
    home = {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path)}
    with serve("--headless", "--keep", "--log-json", "-", "--cipher", "none", environment=home) as server:
        with connect(server.port, "--cipher", "none", environment=home) as client:
            client.end_input()
            client.status()
        server.tells('"session closed"')
        server.process.terminate()
        server.status()
    events = [json.loads(line) for line in server.told]
    assert {"server opened", "session opened", "session closed", "notice"} <= {event["event"] for event in events}
    assert any(event.get("text", "").startswith("Warning: ") for event in events)
    assert any(event.get("text", "").startswith("Listening on ") for event in events)


def test_half_a_line_waits_for_its_end_unless_it_is_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "error").open("wb") as file:
        monkeypatch.setattr(standard, "ERROR", file.fileno())
        output = standard.ErrorOutput("ascii")
        output.write("half ")
        assert (tmp_path / "error").read_bytes() == b""
        output.write("a line\u2603\nand a question? ")
        output.flush()
        assert (tmp_path / "error").read_bytes() == b"half a line\\u2603\nand a question? "
        assert (output.fileno(), output.isatty(), output.writable()) == (file.fileno(), False, True)
        monkeypatch.setattr(sys, "stderr", output)
        standard.shape_notices(str.upper)
        standard.tell("shaped")
        output.write("half")
        output.flush()
        output.write(".\n")
    assert (tmp_path / "error").read_bytes().endswith(b"SHAPED\nHALF.\n")


def test_an_error_stream_of_somebody_s_program_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = io.StringIO()
    monkeypatch.setattr(sys, "stderr", theirs)
    standard.prepare()
    standard.shape_notices(str.upper)
    standard.tell("as it is")
    assert theirs.getvalue() == "as it is\n"
    theirs.close()
    standard.tell("dropped")


def test_what_cannot_be_written_fails_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        print("nobody reads this")
        with pytest.raises(OutputFailed, match="Standard output cannot be written: broken pipe") as failure:
            standard.flush_output()
        assert failure.value.nobody_reads
        print("nor this")
        standard.flush_output()
