"""Through a real sshd, run as an ordinary process with its own keys: `ssh -W` to a server, and a server behind ssh."""

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import environment
from programs import chat, connect, serve, started
from web_servers import answers, free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")

HAS_SSH = SSHD and shutil.which("ssh")

pytestmark = pytest.mark.skipif(not HAS_SSH, reason="needs sshd and ssh (on Debian: apt install openssh-server)")

SSHD_FILE = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[str]:
    """The `ssh` command that reaches a sshd on this machine."""
    folder = tmp_path / "ssh"
    folder.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    port = free_port()
    (folder / "sshd_config").write_text(SSHD_FILE.format(port=port, folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE) as sshd:
        try:
            while not answers(port):
                assert sshd.poll() is None, sshd.stderr.read()  # type: ignore[union-attr]
            options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
            yield f"ssh -F none {options} -i {folder}/user_key -p {port} {getpass.getuser()}@127.0.0.1"
        finally:
            sshd.terminate()
            sshd.communicate()


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
