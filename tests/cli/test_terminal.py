"""Asking for a secret: the terminal does not show it, and where there is none nothing is read in its place."""

import subprocess
import sys

import pytest
from programs import ENVIRONMENT

ASK = """
import signal
from plytalk.cli.terminal import secret
from plytalk.core.errors import UnknownPeer
before = signal.getsignal(signal.SIGINT)
try:
    print("got", len(secret("Passphrase: ")), "characters")
except UnknownPeer as error:
    print("refused:", error.sentence)
except KeyboardInterrupt:
    print("interrupted")
print("restored" if signal.getsignal(signal.SIGINT) is before else "changed")
"""
ON_UNIX = pytest.mark.skipif(sys.platform == "win32", reason="terminals are played on systems that have pseudo-terminals")
COMMAND = [sys.executable, "-c", ASK]


@ON_UNIX
def test_a_pipe_is_never_read() -> None:
    done = subprocess.run(
        COMMAND,
        input="hunter2\n",
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
        check=True,
        start_new_session=True,  # so there is no terminal to turn to
    )
    assert "refused: Passphrase is needed, and nobody can be asked off a terminal. Start it in a terminal." in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert done.stdout.endswith("restored\n")


@pytest.fixture
def terminal():
    pexpect = pytest.importorskip("pexpect", reason="terminals need a system that has them")
    program, *arguments = COMMAND
    with pexpect.spawn(program, arguments, env=ENVIRONMENT, encoding="utf-8", timeout=60) as asking:
        asking.expect_exact("Passphrase: ")
        assert asking.waitnoecho(60)
        yield asking
        asking.expect_exact("restored")


@ON_UNIX
def test_what_is_typed_is_not_shown(terminal) -> None:
    terminal.sendline("hunter2")
    terminal.expect_exact("got 7 characters")
    assert "hunter2" not in terminal.before


@ON_UNIX
def test_ctrl_c_ends_the_question(terminal) -> None:
    terminal.sendintr()
    terminal.expect_exact("interrupted")


@ON_UNIX
def test_the_end_of_input_is_a_refusal(terminal) -> None:
    terminal.sendeof()
    terminal.expect_exact("refused: Passphrase is needed")
