"""The transport `ws`: WebSocket over TCP."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from certificates import Authority

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.transports.ws import Ws, Wss, layers
from plytalk.testing import check_transport


def test_it_passes_the_kit() -> None:
    check_transport(Ws)


def test_it_passes_the_kit_in_tls_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server")
    check_transport(partial(Wss, tls_cert=cert, tls_key=key, tls_ca=authority.file))


async def test_a_wrong_certificate_is_told_as_one(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).signs("server")
    listener = await Wss(tls_cert=cert, tls_key=key).listen("127.0.0.1", 0)
    host, _, port = listener.address.rpartition(":")
    accepting = asyncio.create_task(listener.accept())
    with pytest.raises(HandshakeFailed, match="is not accepted: unable to get local issuer certificate"):
        await Wss(tls_ca=Authority(tmp_path, "another CA").file).connect(host, int(port))
    (await accepting).close()
    await listener.close()


def test_they_are_the_layers_of_the_module() -> None:
    assert layers() == [Ws, Wss]
