"""How many members a server may have goes by how many files the system lets it open."""

import contextlib
import signal
import socket
import subprocess
import sys

import pytest
from people import environment
from programs import COMMAND, connect, serve


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_more_members_than_the_system_lets_us_have_are_refused_and_fewer_open_files_are_no_trouble(tmp_path):
    few = ("sh", "-c", 'ulimit -n 300 && exec "$0" "$@"', *COMMAND, "serve", "--port", "0", "--headless")
    run = subprocess.run(
        [*few, "--members", "200"], env=environment(tmp_path), capture_output=True, text=True, timeout=180, check=False
    )
    assert run.returncode == 2
    assert "The system lets a program open 300 files here, too few for --members 200. Raise it with `ulimit -n`" in run.stderr
    with subprocess.Popen(few, env=environment(tmp_path), stderr=subprocess.PIPE, text=True) as ours:
        assert ours.stderr is not None
        while "Listening on" not in (line := ours.stderr.readline()):
            assert line
        ours.send_signal(signal.SIGTERM)
        assert ours.wait(180) == 0


def few(files: int) -> tuple[str, ...]:
    return ("sh", "-c", f'ulimit -n {files} && exec "$0" "$@"', *COMMAND)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_server_that_may_open_few_files_lets_few_in_and_says_so(tmp_path):
    options = ("--headless", "--keep")
    with serve(*options, environment=environment(tmp_path), command=few(64)) as server:
        assert "so no more than 16 people can be in the chat. Raise it with `ulimit -n`." in "".join(server.told)
        with connect(server.port, "--accept-new", environment=environment(tmp_path)) as client:
            client.tells("You are ")
            client.end_input()
            assert client.status() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_callers_for_whom_no_file_is_left_are_told_of_in_a_line_without_a_traceback(tmp_path):
    options = ("--headless", "--keep", "--metrics", "127.0.0.1:0")
    with serve(*options, environment=environment(tmp_path), command=few(12)) as server:
        figures = int(server.tells("Figures for Prometheus at").rpartition(":")[2].split("/")[0])
        with contextlib.ExitStack() as callers:
            for port in [figures, server.port] * 20:
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(("127.0.0.1", port))
            server.tells("socket.accept")
            server.tells("The system has no room for another connection: Too many files are open. Raise the limit")
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 0
        assert "Traceback" not in "".join(server.told)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("files", [5, 6, 7])
@pytest.mark.parametrize(
    "command",
    [
        ("connect", "127.0.0.1:1"),
        ("serve", "--port", "0", "--headless", "--allow", "/dev/null"),
        ("audit", "127.0.0.1:1"),
        ("bench", "--rounds", "1", "--seconds", "0.001", "--sizes", "16", "--tcp"),
    ],
)
def test_a_program_that_may_open_no_more_files_says_so_in_words(command, files, tmp_path):
    """Not even the event loop can be made then, and asyncio leaves half of one, whose end is a traceback."""
    run = subprocess.run(
        [*few(files), *command], env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert "Unexpected error" not in run.stderr
    assert " raised " not in run.stderr
