"""`chat serve --door ssh` with OpenSSH's own client: with and without a key or a terminal, and as an attacker uses it."""

import json
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import ANY

import pexpect
import pytest
from people import environment
from programs import ENVIRONMENT, Chat, connect, serve
from ssh_guests import HAS_SSH_CLIENT, NEEDS_SSH_CLIENT, ssh_command
from sshd import new_key

pytestmark = pytest.mark.skipif(not HAS_SSH_CLIENT, reason=NEEDS_SSH_CLIENT)

REFUSED = "This is a chat"


@contextmanager
def room(tmp_path: Path, *options: str) -> Iterator[tuple[Chat, int, str]]:
    """A server with a door for guests, its port, and the fingerprint that it shows."""
    arguments = ("--keep", "--headless", "--door", "ssh:127.0.0.1:0", *options)
    with serve(*arguments, environment=environment(tmp_path / "server")) as server:
        line = server.tells("Guests connect with:")
        found = re.search(r"ssh -p (\d+) 127\.0\.0\.1  \((?:new )?host key (SHA256:[\w+/]+)\)", line)
        assert found, line
        yield server, int(found[1]), found[2]


@contextmanager
def member(server: Chat, tmp_path: Path) -> Iterator[Chat]:
    """Somebody with `chat` in the room, who sees events."""
    arguments = ("--accept-new", "--name", "erin", "--ui", "jsonl")
    with connect(server.port, *arguments, environment=environment(tmp_path / "erin")) as erin:
        erin.event("you")
        yield erin


def run(words: list[str], typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, input=typed, capture_output=True, text=True, env=ENVIRONMENT, timeout=180, check=False)


@contextmanager
def at_terminal(words: list[str], columns: int = 80) -> Iterator["pexpect.spawn[str]"]:
    guest = pexpect.spawn(
        words[0], words[1:], env={**ENVIRONMENT, "TERM": "xterm"}, timeout=180, encoding="utf-8", dimensions=(24, columns)
    )
    try:
        yield guest
    finally:
        guest.close(force=True)


def test_a_guest_at_a_terminal_talks_with_a_member(tmp_path: Path) -> None:
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        with at_terminal(ssh_command(port, "walter")) as guest:
            guest.expect("You are walter in lobby, with 1 more.")
            sender = erin.event("joined")["sender"]
            while sender["name"] == "erin":
                sender = erin.event("joined")["sender"]
            assert sender == {"name": "walter", "key": None, "marks": ["ssh guest", "not authenticated"]}
            guest.send("helo there\x1b[D" + "\x1b[D" * 6 + "l\r")
            assert erin.event("message")["text"] == "hello there"
            erin.say(json.dumps({"type": "message", "text": "welcome"}))
            guest.expect("erin: welcome")
            guest.setwinsize(24, 30)
            guest.send("x" * 50)
            guest.expect("> " + "x" * 27 + "(?!x)")
            guest.send("\x03\x03")
            guest.expect(pexpect.EOF)
        assert erin.event("left")["sender"] == sender
        assert guest.exitstatus == 0


def test_a_guest_without_a_terminal_says_lines(tmp_path: Path) -> None:
    """As in `ssh HOST < lines` and `ssh -T HOST`."""
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        for options in ((), ("-T",)):
            ended = run(ssh_command(port, "walter", *options), "one\ntwo\n/who\nthree")
            assert ended.returncode == 0
            you, *listed = ended.stdout.splitlines()
            assert you == "* You are walter in lobby, with 1 more."
            assert [line.split(", ")[:2] for line in sorted(listed)] == [["* erin", ANY], ["* walter", "ssh guest"]]
            assert [erin.event("message")["text"] for _ in range(3)] == ["one", "two", "three"]


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_guest_is_known_by_its_key(kind: str, tmp_path: Path) -> None:
    new_key(tmp_path / "key", kind)
    listed = run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")]).stdout.split()[1]
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        run(ssh_command(port, "walter", "-i", str(tmp_path / "key")), "hello\n")
        sender = erin.event("message")["sender"]
        assert sender == {"name": "walter", "key": listed, "marks": ["ssh guest"]}


def test_only_listed_keys_come_in_with_an_allow_list(tmp_path: Path) -> None:
    line = new_key(tmp_path / "key")
    new_key(tmp_path / "stranger")
    (tmp_path / "allow").write_text(f"{line}\n")
    with room(tmp_path, "--allow", str(tmp_path / "allow")) as (_, port, _):
        key = ("-i", str(tmp_path / "key"))
        assert "You are walter" in run(ssh_command(port, "walter", "-i", str(tmp_path / "stranger"), *key), "exit\n").stdout
        for options in ((), ("-i", str(tmp_path / "stranger"))):
            refused = run(ssh_command(port, "walter", *options, "-o", "PreferredAuthentications=publickey,keyboard-interactive"))
            assert "Permission denied" in refused.stderr or refused.returncode == 255
            assert refused.stdout == ""


def test_the_host_key_is_the_one_that_the_server_shows_and_stays(tmp_path: Path) -> None:
    for _ in range(2):
        with room(tmp_path) as (_, port, fingerprint):
            words = " ".join(ssh_command(port, "walter")).replace("Checking=no", "Checking=ask").split()
            with at_terminal(words) as guest:
                guest.expect(f"ED25519 key fingerprint is:? ?{re.escape(fingerprint)}")
    assert (tmp_path / "server" / "ssh_host_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "server" / "ssh_host_key").read_bytes() != (tmp_path / "server" / "identity").read_bytes()


@pytest.mark.parametrize(
    "asked",
    ["HOST cat /etc/passwd", "-t HOST sh", "-s HOST sftp", "HOST -- scp -f /etc/passwd"],
    ids=["exec", "pty", "sftp", "scp"],
)
def test_no_command_is_run(asked: str, tmp_path: Path) -> None:
    with room(tmp_path) as (_, port, _):
        *words, host = ssh_command(port, "walter")
        ended = run([*words, *(host if word == "HOST" else word for word in shlex.split(asked))])
        assert ended.returncode == 1
        assert "this is a chat" in ended.stderr + ended.stdout
        assert "root:" not in ended.stdout


def test_nothing_is_forwarded(tmp_path: Path) -> None:
    with room(tmp_path) as (_, port, _), socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"127.0.0.1:{listening.getsockname()[1]}"
        assert run(ssh_command(port, "walter", "-W", there)).returncode == 255
        forwards = ("-A", "-R", f"0:{there}", "-R", f"{tmp_path}/socket:{there}", "-o", "ExitOnForwardFailure=no")
        shown = run(ssh_command(port, "walter", *forwards), "exit\n").stdout
        assert "* Nothing is forwarded here: this is a chat." in shown
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_guest_goes_on_after_new_keys(tmp_path: Path) -> None:
    """ssh agrees on new keys after every 32 KiB, in both directions."""
    lines = [f"{number} {'x' * 1000}" for number in range(60)]
    with room(tmp_path, "--rate", "0") as (server, port, _), member(server, tmp_path) as erin:
        ended = run(ssh_command(port, "walter", "-o", "RekeyLimit=32K"), "\n".join(lines))
        assert ended.returncode == 0
        assert [erin.event("message")["text"] for _ in lines] == lines


def test_names_and_lines_control_nothing(tmp_path: Path) -> None:
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        assert run(ssh_command(port, "a\x1b[2Jb"), "hello\n").returncode == 255
        with at_terminal(ssh_command(port, "[erin]")) as guest:
            guest.expect("You are (.*) in lobby")
            assert guest.match[1].isprintable()
            guest.send("\x1b[2J\x9b31m\x00\x07bare\r")
            assert erin.event("message")["text"] == "31mbare"
            erin.say(json.dumps({"type": "message", "text": "\x1b[2J\x1b]0;owned\x07\r\nbob: hi"}))
            guest.expect("erin: (.*)bob: hi")
            assert not set(guest.match[1]) & set("\x1b\x07\r\n")


def test_a_line_without_end_costs_nothing_but_the_line(tmp_path: Path) -> None:
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        ended = run(ssh_command(port, "walter"), "x" * 1_000_000 + "\nshort\n")
        assert "* A line has more than 16,384 characters and was not sent." in ended.stdout
        assert erin.event("message")["text"] == "short"


def test_a_guest_that_is_killed_was_cut(tmp_path: Path) -> None:
    with room(tmp_path) as (server, port, _), member(server, tmp_path) as erin:
        words = ssh_command(port, "walter")
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as guest:
            assert b"You are walter" in guest.stdout.readline()  # type: ignore[union-attr]
            guest.kill()
        assert erin.event("left")["reason"] == "the connection was cut"
