"""Asking for a secret: the terminal does not show it, and where there is none nothing is read in its place."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from people import environment
from programs import COMMAND as CHAT
from programs import ENVIRONMENT

from plytalk.core.contracts.errors import Exit

ASK = """
import signal
from plytalk.cli.hidden_input import secret
from plytalk.core.contracts.errors import UnknownPeer
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
        timeout=180,
        check=True,
        start_new_session=True,  # so there is no terminal to turn to
    )
    assert "refused: Passphrase is needed, and there is no terminal to ask on. Start it in a terminal." in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert done.stdout.endswith("restored\n")


@pytest.fixture
def terminal():
    pexpect = pytest.importorskip("pexpect", reason="terminals need a system that has them")
    program, *arguments = COMMAND
    with pexpect.spawn(program, arguments, env=ENVIRONMENT, encoding="utf-8", timeout=180) as asking:
        asking.expect_exact("Passphrase: ")
        assert asking.waitnoecho(60)
        yield asking


def ends_with(terminal, words: str) -> str:
    """Wait for these words, and for the terminal to be as before. Returns what was shown between the question and them."""
    terminal.expect_exact(words)
    shown = terminal.before
    assert terminal.expect_exact(["restored", "changed"]) == 0
    return shown


@ON_UNIX
def test_what_is_typed_is_not_shown(terminal) -> None:
    terminal.sendline("hunter2")
    assert "hunter2" not in ends_with(terminal, "got 7 characters")


@ON_UNIX
def test_ctrl_c_ends_the_question(terminal) -> None:
    terminal.sendintr()
    shown = ends_with(terminal, "interrupted")
    assert "got" not in shown
    assert "refused" not in shown


@ON_UNIX
def test_the_end_of_input_is_a_refusal(terminal) -> None:
    terminal.sendeof()
    assert "got" not in ends_with(terminal, "refused: Passphrase is needed")


@ON_UNIX
@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("question", ["One-time code:", "Passphrase of "])
def test_ctrl_c_at_a_question_of_a_layer_is_an_interruption_and_no_fault_of_it(question, term, tmp_path) -> None:
    pexpect = pytest.importorskip("pexpect", reason="terminals need a system that has them")
    options = ["--code"] if question.startswith("One") else ["--identity", str(locked_key(tmp_path))]
    ours = [*CHAT, "connect", "127.0.0.1:1", *options]
    surroundings = {**environment(tmp_path), "TERM": term}
    with pexpect.spawn(ours[0], ours[1:], env=surroundings, encoding="utf-8", timeout=180) as asking:
        asking.expect_exact(question)
        asking.send("\x03")
        asking.expect_exact("chat: Interrupted.")
        asking.expect(pexpect.EOF)
        asking.close()
        assert asking.exitstatus == Exit.INTERRUPTED


def locked_key(folder: Path) -> Path:
    """A key under a passphrase."""
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed (apt install openssh-client)")
    file = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", file], check=True, timeout=180)
    return file
