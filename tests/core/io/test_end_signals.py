"""What a signal ends: a program that leaves nothing behind."""

import signal
import subprocess
import sys

import pytest
from people import environment
from programs import ENVIRONMENT, started

from plytalk.core.contracts.errors import Exit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these signals are those of Unix")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_command_that_is_ended_by_a_signal_leaves_no_temporary_files(name, tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    surroundings = {**environment(tmp_path), "TMPDIR": str(folder)}
    with started("lab", "--stack", "plytalk1", environment=surroundings) as ours:
        ours.tells("attacking ")
        while not list(folder.iterdir()):
            assert ours.process.poll() is None
        ours.process.send_signal(getattr(signal, name))
        assert ours.status() == Exit.INTERRUPTED
        assert ours.told[-1] == "chat: Interrupted."
    assert list(folder.iterdir()) == []


def test_a_signal_that_a_parent_ignores_stays_ignored(tmp_path):
    ignoring = ("sh", "-c", 'trap "" HUP; exec "$0" "$@"', sys.executable, "-m", "plytalk")
    with started("relay", "--listen", "127.0.0.1:0", environment=environment(tmp_path), command=ignoring) as ours:
        ours.tells("Relaying at ")
        ours.process.send_signal(signal.SIGHUP)
        ours.process.send_signal(signal.SIGTERM)
        assert ours.status() == Exit.OK


LOST = """
import signal
from plytalk.core.io.end_signals import treat_as_control_c

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

treat_as_control_c()
try:
    Interrupted()
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted")
"""

NO_THREAD = """
import _thread
from plytalk.core.io.end_signals import treat_as_control_c

def refuse(*_):
    raise RuntimeError("can't start new thread")

class Interrupted:
    def __del__(self):
        raise KeyboardInterrupt

treat_as_control_c()
_thread.start_new_thread = refuse
Interrupted()
"""

HALF_MADE = """
import signal
from plytalk.cli.main import main
from plytalk.lab.attacks import clock

def interrupted(timers):
    signal.raise_signal(signal.SIGINT)

clock._Skipping.__init__ = interrupted
main()
"""


def test_an_interruption_in_code_that_cannot_raise_still_ends_the_program():
    run = python(LOST)
    assert (run.stdout, run.stderr, run.returncode) == ("interrupted\n", "", 0)


def test_no_traceback_is_printed_where_no_thread_is_left_to_repeat_it():
    run = python(NO_THREAD)
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)


def test_nothing_is_told_of_what_an_interruption_left_half_made():
    run = python(HALF_MADE, "lab", "--stack", "plytalk1")
    assert run.stderr.splitlines()[-1] == "chat: Interrupted."
    assert run.returncode == Exit.INTERRUPTED


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=180, check=False
    )
