"""A plugin that would end the program, with real servers: a line names it, and the server goes on."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import programs
import pytest
from strangers import server_with

MODULE = """
import asyncio
import atexit
import os
import socket
import sys
import threading
from functools import partial
from plytalk import Command, Feature, hookimpl

kept = []

def leaves():
    sys.exit()  # here

async def waits():
    await asyncio.sleep(0)
    sys.exit()  # here

class Falls:
    def __del__(self):
        kept[5]  # here

def interrupts():
    raise KeyboardInterrupt  # here

def fails():
    {}["key"]  # here

def leave(call):
    loop = asyncio.get_running_loop()
    WHAT
"""
ENDS = "A plugin must not end the program; a feature ends its server with `end`, which the hook `server_opened` gives it."
GAVE = "gave the event loop the callback `exit`, which raised SystemExit. "
READABLE = (
    "kept.extend(socket.socketpair()); kept[1].send(b'x'); loop.add_reader(kept[0], {}); "
    "loop.call_later(0.01, loop.remove_reader, kept[0])"
)
CASES = {
    "call_soon": ("loop.call_soon(sys.exit)  # here", GAVE, ENDS),
    "call_soon with an argument": ("loop.call_soon(partial(sys.exit, 3))  # here", GAVE, ENDS),
    "call_later": ("loop.call_later(0.01, sys.exit)  # here", GAVE, ENDS),
    "call_soon_threadsafe": ("loop.call_soon_threadsafe(sys.exit)  # here", GAVE, ENDS),
    "a function": ("loop.call_soon(leaves)", "raised SystemExit. ", ENDS),
    "a task": ("kept.append(loop.create_task(waits()))", "raised SystemExit. ", ENDS),
    "a task that nobody keeps": ("loop.create_task(waits())", "raised SystemExit. ", ENDS),
    "KeyboardInterrupt": ("loop.call_soon(interrupts)", "raised KeyboardInterrupt. ", ENDS),
    "add_reader": (READABLE.format("leaves"), "raised SystemExit. ", ENDS),
    "a reader that fails": (READABLE.format("fails"), "raised KeyError. ", ""),
    "a thread": ("threading.Thread(target=fails).start()", "raised KeyError. ", ""),
    "a destructor": ("Falls()", "raised IndexError. ", ""),
}


@contextmanager
def server_that(does: str, folder: Path) -> Iterator[tuple[programs.Chat, int, int]]:
    """A server whose command /leave does this, its port, and the line that is marked as the one at fault."""
    text = MODULE.replace("WHAT", does)
    if does.endswith("# here"):
        text = text.replace("()  # here", "()")
        marked = text.splitlines().index(f"    {does}") + 1
    else:
        name = next(name for name in ("leaves", "waits", "Falls", "interrupts", "fails") if name in does)
        lines = text.splitlines()
        start = next(number for number, line in enumerate(lines) if line.split("(")[0].rstrip(":").endswith(f" {name}"))
        marked = next(number for number in range(start, len(lines)) if "# here" in lines[number]) + 1
    with server_with("leave", text, folder) as (server, port):
        yield server, port, marked


@pytest.mark.parametrize("case", CASES)
def test_who_it_was_is_told_and_the_server_goes_on(tmp_path: Path, case: str) -> None:
    does, said, hint = CASES[case]
    with server_that(does, tmp_path) as (server, port, line):
        with programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client:
            client.say("/leave")
            told = server.tells(f"The plugin `feature-bad` of plytalk-feature-bad 1.0 {said}")
            assert f"See {tmp_path / 'plytalk_feature_bad_feature_bad.py'}:{line}." in told
            assert told.endswith(hint)
            client.say("/who")
            client.tells(", SHA256:")
        with programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client:
            client.say("/who")
            client.tells(", SHA256:")
        server.process.terminate()
        assert server.status() == 0
    assert not [line for line in server.told if "Traceback" in line or "never retrieved" in line]


@pytest.mark.parametrize("name", ["fails", "leaves"])
def test_what_is_raised_at_exit_is_told_in_a_line(tmp_path: Path, name: str) -> None:
    with server_that(f"atexit.register({name})", tmp_path) as (server, port, line):
        with programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client:
            client.say("/leave")
            client.say("/who")
            client.tells(", SHA256:")
        server.process.terminate()
        told = server.tells("The plugin `feature-bad` of plytalk-feature-bad 1.0 raised ")
        assert f"plytalk_feature_bad_feature_bad.py:{line}." in told
        assert server.status() == 0
    assert not [line for line in server.told if "Traceback" in line]


def test_control_c_ends_a_server_that_a_plugin_could_not_end(tmp_path: Path) -> None:
    with (
        server_that("loop.call_soon(sys.exit)  # here", tmp_path) as (server, port, _),
        programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client,
    ):
        client.say("/leave")
        server.tells(GAVE)
        server.process.send_signal(signal.SIGINT)
        assert server.status() == 130
