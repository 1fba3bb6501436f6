"""The transport `ssh`, for guests."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ssh_lines import SshInLines

from plytalk.api.hosting import serve
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.peers import Role
from plytalk.plugins.ssh import guest_stream
from plytalk.plugins.transports import ssh
from plytalk.plugins.transports.ssh import Ssh, layers
from plytalk.testing import check_layer, check_transport


def test_it_is_the_layer_of_its_module() -> None:
    check_layer(Ssh)
    assert layers() == [Ssh]


def test_in_lines_of_base64_it_passes_the_kit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A guest's stream carries lines of text: the kit's bytes go in such lines, by asyncssh's client."""
    for limit in ("RATE", "BURST"):  # a guest may send 64 KiB a second
        monkeypatch.setattr(guest_stream, limit, 1 << 40)
    check_transport(lambda: SshInLines(ssh_host_key=tmp_path / "key"))


async def test_it_makes_its_own_key_and_shows_it(tmp_path: Path) -> None:
    transport = Ssh(tmp_path / "key")
    again = Ssh(tmp_path / "key")
    for one, new in ((transport, "new "), (again, "")):
        assert await one.ready(Role.RESPONDER, str) == []
        assert one.guest_line("[::1]", "2222") == f"ssh -p 2222 ::1  ({new}host key {transport.fingerprint})"


def test_asyncssh_is_imported_only_when_it_is_chosen() -> None:
    look = "import sys, plytalk.plugins.transports.ssh; print('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"transport": "ssh"}, "is for guests alone"),
        ({"doors": ["ssh:127.0.0.1:0"], "code": True}, "cannot be combined with --auth code"),
        ({"doors": ["ssh:127.0.0.1:0"], "profile": "demo01"}, "A door for guests needs a room"),
    ],
)
async def test_what_cannot_be_is_refused(arguments: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(Usage, match=why):
        await serve(home=tmp_path, **arguments).__aenter__()


async def test_it_only_serves() -> None:
    with pytest.raises(CannotConnect, match="but guests"):
        await Ssh().connect("127.0.0.1", 22)


def test_without_asyncssh_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plytalk.plugins.ssh.guest_keys", None)
    with pytest.raises(Usage, match="asyncssh"):
        ssh.ssh_module("guest_keys")
