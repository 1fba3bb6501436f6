"""The transport `ssh`, for guests."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.peers import Role
from plytalk.plugins.transports import ssh
from plytalk.plugins.transports.ssh import Ssh, layers
from plytalk.testing import check_layer


def test_it_is_the_layer_of_its_module() -> None:
    check_layer(Ssh)
    assert layers() == [Ssh]


async def test_it_makes_its_own_key_and_shows_it(tmp_path: Path) -> None:
    transport = Ssh(tmp_path / "key")
    [told] = await transport.ready(Role.RESPONDER, str)
    assert transport.fingerprint in told
    assert transport.guest_line("[::1]", "2222") == f"ssh -p 2222 ::1  (host key {transport.fingerprint})"
    assert await Ssh(tmp_path / "key").ready(Role.RESPONDER, str) == []


async def test_it_only_serves() -> None:
    with pytest.raises(CannotConnect, match="but guests"):
        await Ssh().connect("127.0.0.1", 22)


def test_without_asyncssh_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plytalk.plugins.ssh.guest_keys", None)
    with pytest.raises(Usage, match="asyncssh"):
        ssh.ssh_module("guest_keys")
