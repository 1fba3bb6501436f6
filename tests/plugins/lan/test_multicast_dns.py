"""Multicast DNS on one interface: what takes part, and what prevents it."""

import sys

import pytest
from neighbours import LO

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.plugins.lan.lan_interface import BIND_TO_DEVICE
from plytalk.plugins.lan.multicast_dns import mdns, open_on

pytestmark = pytest.mark.usefixtures("alone_on_loopback")


async def test_every_socket_is_kept_to_the_interface() -> None:
    dns = await open_on(LO)
    devices = {reader.sock.getsockopt(1, BIND_TO_DEVICE, 16) for reader in dns.zeroconf.engine.readers}
    await dns.async_close()
    assert devices == {b"lo\0"}


async def test_an_interface_without_an_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one is whose IPv6 address is not checked yet: zeroconf does without it."""
    monkeypatch.setattr(mdns()._utils.net, "new_respond_socket", lambda *arguments, **named: None)
    with pytest.raises(CannotConnect, match="lo has no address yet"):
        await open_on(LO)


def test_without_the_package_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(Usage, match="needs the package `zeroconf`") as missing:
        mdns()
    assert missing.value.hint == "Install it with: pip install zeroconf"
