"""Guests who get a chat in place of a shell, by the line of authorized_keys that docs/howto-ssh.md tells to write."""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
from people import environment
from programs import ENVIRONMENT, Chat, serve
from sshd import HAS_SSH, NEEDS_SSH, sshd

pytestmark = pytest.mark.skipif(not HAS_SSH, reason=NEEDS_SSH)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto-ssh.md"
SECRET = "what only the account may read"


def documented(server: Chat, home: Path) -> str:
    """The options of the line on the page, with this server's address and key, and the `chat` that is tested."""
    line = re.search(r"^(restrict,.*\") ssh-ed25519 AAAA", PAGE.read_text(), re.M)[1]  # type: ignore[index]
    key = re.search(r"SHA256:[\w+/]+", server.tells("The other side connects with:"))[0]  # type: ignore[index]
    assert "--no-files" in line
    command = f"env HOME={home} PLYTALK_HOME={home} PYTHONUTF8=1 NO_COLOR=1 {sys.executable} -m plytalk"
    line = line.replace("SHA256:...", key).replace("127.0.0.1:7591", f"127.0.0.1:{server.port}")
    return line.replace("exec chat", f"cd {home}; exec {command}")


@contextmanager
def room(tmp_path: Path) -> Iterator[tuple[Chat, str]]:
    """A server, and the `ssh` of its guest."""
    account = tmp_path / "account"
    account.mkdir(mode=0o700)
    (account / "secret.txt").write_text(SECRET)
    with (
        serve("--keep", "--ui", "console", environment=environment(tmp_path / "server")) as server,
        sshd(tmp_path / "ssh", documented(server, account)) as ssh,
    ):
        yield server, ssh


def test_a_guest_without_a_terminal_says_lines_and_reads_them(tmp_path: Path) -> None:
    with room(tmp_path) as (server, ssh):
        run = subprocess.run(shlex.split(ssh), input=b"hello by ssh\n", capture_output=True, env=ENVIRONMENT, timeout=180)
        assert run.returncode == 0, run.stderr
        while (line := server.hear()) and "alice" not in line:
            pass
        assert server.hear() == "alice: hello by ssh"


def test_a_guest_at_a_terminal_has_the_screen_and_nothing_else(tmp_path: Path) -> None:
    """Everything that the keys of the console can do, and commands about files."""
    with room(tmp_path) as (server, ssh):
        words = shlex.split(ssh)
        guest = pexpect.spawn(words[0], ["-tt", *words[1:]], env={**ENVIRONMENT, "TERM": "xterm"}, timeout=180, encoding="utf-8")
        try:
            guest.expect("You are alice in lobby")
            for line in ("/send secret.txt", "/send /etc/passwd @alice", "/accept", "/transfers"):
                guest.send(f"{line}\r")
                guest.expect("neither sends nor receives files")
            for keys in ("\x18\x05", "\x1a", "\x1b!", "\x1bx", "\x1c", "\x16", "!sh\r", "~C"):  # editor, suspend, shell, quit
                guest.send(keys)
            guest.send("\x15still in the chat\r")
            guest.expect("still in the chat")
            guest.send("exit\r")
            guest.expect(pexpect.EOF)
        finally:
            guest.close(force=True)
        assert SECRET not in str(guest.before)
        said = []
        while not said or "has left" not in said[-1]:
            said.append(server.hear())
        assert "alice: still in the chat" in said
        assert not any("offers" in line for line in said)


@pytest.mark.parametrize("asked", [["cat secret.txt"], ["sh", "-c", "id"], ["-s", "sftp"], ["chat serve --stdio"]], ids=" ".join)
def test_what_a_guest_asks_to_run_is_not_run(asked: list[str], tmp_path: Path) -> None:
    with room(tmp_path) as (server, ssh):
        run = subprocess.run([*shlex.split(ssh), *asked], input=b"exit\n", capture_output=True, env=ENVIRONMENT, timeout=180)
        assert SECRET.encode() not in run.stdout + run.stderr
        assert b"uid=" not in run.stdout
        assert run.returncode == 0
        while "alice" not in server.hear():  # it is the chat that ran
            pass


@pytest.mark.parametrize("options", ["restrict,pty", "pty"])
def test_a_guest_reaches_no_other_port(options: str, tmp_path: Path) -> None:
    """And would, without `restrict`."""
    with sshd(tmp_path / "ssh", options) as ssh, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(180)
        words = shlex.split(ssh)
        there = f"127.0.0.1:{listening.getsockname()[1]}"
        with subprocess.Popen([words[0], "-W", there, *words[1:]], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            if options == "pty":
                listening.accept()[0].close()
            assert run.wait(180) == (0 if options == "pty" else 255)
            assert (b"forwarding failed" in run.stderr.read()) is (options != "pty")  # type: ignore[union-attr]
