"""Through a real sshd, run as an ordinary process with its own keys: `ssh -W` to a server, and a server behind ssh."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import environment
from programs import chat, connect, serve, started
from sshd import HAS_SSH, NEEDS_SSH, sshd
from web_servers import free_port

pytestmark = pytest.mark.skipif(not HAS_SSH, reason=NEEDS_SSH)


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[str]:
    with sshd(tmp_path / "ssh") as command:
        yield command


def test_a_client_comes_through_ssh_w(ssh: str, tmp_path: Path) -> None:
    jump = ssh.replace("ssh -F", "ssh -W %h:%p -F", 1)
    with (
        serve("--keep", "--headless", environment=environment(tmp_path / "server")) as server,
        connect(server.port, "--accept-new", "--name", "bob", "--ui", "jsonl", environment=environment(tmp_path / "bob")) as bob,
    ):
        bob.event("you")
        arguments = ("--proxy-command", jump, "--accept-new", "--name", "alice", "--ui", "jsonl")
        with connect(server.port, *arguments, environment=environment(tmp_path / "alice")) as alice:
            alice.event("you")
            alice.say('{"type":"message","text":"through the tunnel"}')
            assert bob.event("message")["text"] == "through the tunnel"
            alice.end_input()
            assert alice.status() == 0


def test_a_server_runs_behind_ssh(ssh: str, tmp_path: Path) -> None:
    home = f"HOME={tmp_path}/server PLYTALK_HOME={tmp_path}/server PYTHONUTF8=1"
    command = f"{ssh} env {home} {sys.executable} -m plytalk serve --stdio --log-json -"
    arguments = ("connect", "behind.example.org", "--proxy-command", command, "--accept-new", "--name", "alice", "--ui", "jsonl")
    (tmp_path / "server").mkdir(mode=0o700)
    with started(*arguments, environment=environment(tmp_path / "alice")) as alice:
        assert alice.event("you")["room"] == "lobby"
        alice.say('{"type":"message","text":"hello over there"}')
        said = alice.event("message")
        assert (said["text"], said["own"]) == ("hello over there", True)
        alice.end_input()
        assert alice.status() == 0
        assert any('"session opened", "address": "127.0.0.1:' in line for line in alice.told), (
            "The server does not learn from sshd where its peer is."
        )


@pytest.mark.parametrize("layers", [("--accept-new",), ("--profile", "demo01")], ids=["plytalk1", "demo01"])
def test_a_command_that_fails_ends_with_3_and_says_how(layers: tuple[str, ...], tmp_path: Path) -> None:
    command = f"ssh -F none -o BatchMode=yes -p {free_port()} nobody@127.0.0.1"
    run = chat("connect", "host", "--proxy-command", command, *layers, environment=environment(tmp_path))
    assert run.returncode == 3
    assert "The command `ssh` ended with exit code 255, and nothing came from it." in run.stderr
