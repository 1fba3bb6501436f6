"""TCP over IPv4 and IPv6."""

import pytest
from loopback import needs_ipv6

from plytalk.plugins.transports.tcp import Tcp, layers
from plytalk.testing import check_transport


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_it_passes_the_kit(host: str) -> None:
    check_transport(Tcp, host)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Tcp]
