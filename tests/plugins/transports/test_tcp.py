"""TCP over IPv4 and IPv6."""

import socket

import pytest

from plytalk.plugins.transports.tcp import Tcp, layers
from plytalk.testing import check_transport


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6 on the loopback device")


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_it_passes_the_kit(host: str) -> None:
    check_transport(Tcp, host)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Tcp]
