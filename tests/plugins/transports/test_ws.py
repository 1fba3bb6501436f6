"""The transport `ws`: WebSocket over TCP."""

import sys

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.transports.ws import Ws, layers
from plytalk.testing import check_transport


def test_it_passes_the_kit() -> None:
    check_transport(Ws)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Ws]


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert Ws(trusted_proxy="127.0.0.1, 10.0.0.0/8,::1")._proxies == ["127.0.0.1", "10.0.0.0/8", "::1"]
    with pytest.raises(Usage, match="'nginx' is none"):
        Ws(trusted_proxy="nginx")


async def test_without_the_package_it_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.client", None)
    monkeypatch.delitem(sys.modules, "plytalk.plugins.sockets.web_socket", raising=False)
    monkeypatch.delattr("plytalk.plugins.sockets.web_socket", raising=False)
    with pytest.raises(Usage, match="needs the package `websockets`"):
        await Ws().listen("127.0.0.1", 0)
