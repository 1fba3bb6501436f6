"""How many members a server may have goes by how many files the system lets it open."""

import signal
import subprocess
import sys

import pytest
from people import environment
from programs import COMMAND


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_more_members_than_the_system_lets_us_have_are_refused_and_fewer_open_files_are_no_trouble(tmp_path):
    few = ("sh", "-c", 'ulimit -n 300 && exec "$0" "$@"', *COMMAND, "serve", "--port", "0", "--headless")
    run = subprocess.run(
        [*few, "--members", "200"], env=environment(tmp_path), capture_output=True, text=True, timeout=30, check=False
    )
    assert run.returncode == 2
    assert "The system lets a program open 300 files here, too few for --members 200. Raise it with `ulimit -n`" in run.stderr
    with subprocess.Popen(few, env=environment(tmp_path), stderr=subprocess.PIPE, text=True) as ours:
        assert ours.stderr is not None
        while "Listening on" not in (line := ours.stderr.readline()):
            assert line
        ours.send_signal(signal.SIGTERM)
        assert ours.wait(30) == 0
