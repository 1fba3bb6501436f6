"""Records of TLS, as the standard library makes them."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority

from plytalk.core.contracts.wire import WireUnit
from plytalk.plugins.sockets.tls_units import cut_records


def shaken(folder: Path, version: ssl.TLSVersion) -> tuple[bytes, bytes]:
    """What client and server say in a handshake and a word behind it."""
    authority = Authority(folder)
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=authority.file)
    theirs.load_cert_chain(*authority.signs("server"))
    ours.minimum_version = ours.maximum_version = version
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    from_client, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, from_client, server_hostname="localhost")
    server = theirs.wrap_bio(to_server, from_server, server_side=True)
    said = [bytearray(), bytearray()]
    done = set[ssl.SSLObject]()
    while len(done) < 2:
        for end, goes, other, all_of_it in ((client, from_client, to_server, said[0]), (server, from_server, to_client, said[1])):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
            data = goes.read()
            all_of_it += data
            other.write(data)
    client.write(b"a word")
    said[0] += from_client.read()
    return bytes(said[0]), bytes(said[1])


def units(said: bytes, piece: int = 100) -> Iterator[WireUnit]:
    cut = cut_records()
    for at in range(0, len(said), piece):
        yield from cut(said[at : at + piece])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_every_byte_of_every_record_has_a_name(version: ssl.TLSVersion, tmp_path: Path) -> None:
    for said in shaken(tmp_path, version):
        found = [*units(said)]
        assert b"".join(unit.data for unit in found) == said
        for unit in found:
            assert sum(span.size for span in unit.spans) == len(unit.data)
            assert all(span.name for span in unit.spans)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_the_host_is_read_in_the_clear_and_what_is_said_is_sealed(version: ssl.TLSVersion, tmp_path: Path) -> None:
    client, server = shaken(tmp_path, version)
    hello, *_, word = units(client)
    values = {span.name: span.value for span in hello.spans}
    assert hello.name == "TLS ClientHello"
    assert values["ClientHello: server_name"] == "localhost"
    assert values["content type"] == "22 handshake"
    assert (word.name, word.spans[-1].name) == ("TLS application data", "sealed")
    names = [unit.name for unit in units(server)]
    assert names[0] == "TLS ServerHello"
    everything = {span.name for unit in units(server) for span in unit.spans}
    assert ("Certificate: body" in everything) is (version is ssl.TLSVersion.TLSv1_2)


def test_an_alert_in_the_clear_has_its_number() -> None:
    [unit] = units(b"\x15\x03\x03\x00\x02\x02\x28")
    assert [(span.name, span.value) for span in unit.spans][-2:] == [("level", "2"), ("description", "40")]
    assert unit.name == "TLS alert"


def test_a_message_that_goes_on_in_the_next_record_has_what_is_here_of_it() -> None:
    [unit] = units(b"\x16\x03\x03\x00\x06\x0b\x00\x01\x00ab")
    assert [span.name for span in unit.spans][-3:] == ["Certificate: type", "Certificate: length", "Certificate: body"]
