"""The transport `tls`."""

from functools import partial
from pathlib import Path

from certificates import Authority

from plytalk.plugins.transports.tls import Tls, layers
from plytalk.testing import check_transport


def test_it_passes_the_kit(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server")
    check_transport(partial(Tls, tls_cert=cert, tls_key=key, tls_ca=authority.file))


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Tls]
