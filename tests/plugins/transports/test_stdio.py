"""The transport `stdio`: standard input and output in place of a connection."""

import subprocess
import sys
from pathlib import Path

import pytest
from programs import COMMAND, chat, home

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.transports.command import CommandTransport
from plytalk.plugins.transports.stdio import Stdio, caller, layers
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import check_transport

ECHO = """
import asyncio
from plytalk.plugins.transports.stdio import Stdio
async def main():
    listener = await Stdio().listen("", 0)
    stream = await listener.accept()
    over = asyncio.Event()
    print("a word that somebody prints")
    assert not input_is_there()
    stream.deliver_to(lambda data: stream.send(bytes(data)), lambda error: over.set())
    await over.wait()
    await stream.drained()
    stream.finish()
    stream.close()
    await listener.close()
def input_is_there():
    import sys
    return sys.stdin.read()
asyncio.run(main())
"""


def test_bytes_come_and_go_and_what_is_printed_is_kept_apart() -> None:
    data = bytes(range(256)) * 4096
    run = subprocess.run([sys.executable, "-c", ECHO], input=data, capture_output=True, timeout=180, check=True)
    assert run.stdout == data
    assert run.stderr == b"a word that somebody prints\n"


BRIDGE = """
import asyncio, sys
from plytalk.plugins.transports.stdio import Stdio
from plytalk.plugins.transports.tcp import Tcp
async def main(host, port):
    near = await (await Stdio().listen("", 0)).accept()
    try:
        far = await Tcp().connect(host, int(port))
        await asyncio.gather(passed_on(near, far), passed_on(far, near))
        far.close()
    finally:
        near.close()
async def passed_on(one, other):
    over = asyncio.Event()
    def receive(data):
        other.send(bytes(data))
        if other.full:
            one.pause()
            waiting.append(asyncio.ensure_future(resumed()))
    async def resumed():
        await other.drained()
        one.resume()
    def ended(error):
        other.finish()
        over.set()
    waiting = []
    one.deliver_to(receive, ended)
    await over.wait()
    await other.drained()
asyncio.run(main(*sys.argv[1:]))
"""


def test_it_keeps_the_contract_in_a_program_that_a_command_runs(tmp_path: Path) -> None:
    """Standard input is there once in a program, so each peer gets one, which passes all on to where the check listens."""
    (tmp_path / "bridge.py").write_text(BRIDGE)
    check_transport(lambda: CommandTransport(f"{sys.executable} {tmp_path}/bridge.py %h %p"), listens=Tcp)


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        ("192.0.2.7 52000 192.0.2.1 22", "192.0.2.7:52000"),
        ("2001:db8::7 52000 ::1 22", "[2001:db8::7]:52000"),
        ("", "a local program"),
    ],
)
def test_the_peer_is_where_sshd_says(connection: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", connection)
    assert caller() == shown


@pytest.mark.parametrize("keep", [(), ("--keep",)], ids=["once", "keep"])
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n"], ids=["nothing", "noise"])
def test_the_server_ends_when_its_only_peer_did_not_get_in(keep: tuple[str, ...], said: bytes, tmp_path: Path) -> None:
    """Behind sshd it would stay for ever, and with it the ssh of the client."""
    command = [*COMMAND, "serve", "--stdio", *keep]
    run = subprocess.run(command, input=said, capture_output=True, timeout=180, env=home(tmp_path, "server"), check=False)
    assert run.returncode == 4
    assert b"chat: Nobody else can come in by standard input and output." in run.stderr


def test_the_server_ends_with_its_only_peer_also_where_it_keeps_on(tmp_path: Path) -> None:
    command = f"env XDG_DATA_HOME={tmp_path}/server {sys.executable} -m plytalk serve --stdio --keep"
    run = chat("connect", "host", "--proxy-command", command, "--accept-new", environment=home(tmp_path, "client"))
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("further", [("--door", "tcp"), ("--web", "127.0.0.1:0"), ("--port", "0"), ("--guests", "demo01")])
def test_a_server_with_one_peer_listens_nowhere_else(further: tuple[str, ...], tmp_path: Path) -> None:
    run = chat("serve", "--stdio", *further, environment=home(tmp_path, "server"))
    assert run.returncode == 2
    assert "This server has only one peer, over standard input and output." in run.stderr


async def test_it_only_serves() -> None:
    with pytest.raises(CannotConnect, match="Nobody can connect"):
        await Stdio().connect("", 0)
    assert layers() == [Stdio]
