"""The options of the transports that take WebSockets."""

import sys

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.sockets.web_options import origins, web_socket


def test_origins_are_a_list_and_one_may_be_null() -> None:
    assert origins("https://chat.example.org/, null") == ["https://chat.example.org", "null"]
    assert origins(None) == []


def test_without_the_package_it_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.client", None)
    monkeypatch.delitem(sys.modules, "plytalk.plugins.sockets.web_socket", raising=False)
    monkeypatch.delattr("plytalk.plugins.sockets.web_socket", raising=False)
    with pytest.raises(Usage, match="needs the package `websockets`"):
        web_socket()
