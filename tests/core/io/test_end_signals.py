"""What a signal ends: a program that leaves nothing behind."""

import signal
import sys

import pytest
from people import environment
from programs import started

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
