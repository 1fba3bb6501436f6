"""A stream in TLS: who is accepted, and how it ends."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from cryptography.hazmat.primitives import serialization

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.contracts.errors import HandshakeFailed, UnknownPeer, Usage
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Transport
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.sockets.tls_stream import TlsFiles, TlsStream
from plytalk.plugins.transports.tls import Tls
from plytalk.plugins.transports.web import Web
from plytalk.plugins.transports.ws import Wss
from plytalk.testing.cutting import seeded
from plytalk.testing.transports import Receiver


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


async def met(
    authority: Authority, cut: Callable[[bytes], list[bytes]] | None = None, host: str = "localhost"
) -> tuple[TlsStream, TlsStream]:
    """Both ends, open."""
    below, above = memory_stream_pair(cut)
    cert, key = authority.signs("server")
    server = TlsStream(above, TlsFiles(cert, key).server())
    server.start()
    client = TlsFiles(tls_ca=authority.file).secured(below, host)
    return await opened_client(client, 10), server


async def test_both_directions_end_for_themselves(authority: Authority) -> None:
    client, server = await met(authority, one_by_one)
    ours, theirs = Receiver(client), Receiver(server)
    data = seeded(1).randbytes(40_000)
    client.send(data)
    client.finish()
    await theirs.hears_the_end("A close_notify is the end.")
    assert theirs.came == data
    assert theirs.ends == [None]
    server.send(data[::-1])
    await ours.hears(data[::-1], "After our close_notify the other side's bytes no longer arrive.")
    server.finish()
    await ours.hears_the_end("no end")
    assert ours.ends == [None]


async def test_a_close_notify_while_the_other_side_still_talks_loses_nothing(authority: Authority) -> None:
    client, server = await met(authority)
    ours, theirs = Receiver(client), Receiver(server)
    server.send(bytes(100_000))
    client.finish()
    server.send(b"and more")
    await ours.hears(bytes(100_000) + b"and more", "Bytes are lost.")
    await theirs.hears_the_end("no end")


async def test_an_end_without_close_notify_is_a_cut(authority: Authority) -> None:
    client, server = await met(authority)
    theirs = Receiver(server)
    client.send(b"half of it")
    await theirs.hears(b"half of it", "It does not arrive.")
    client.below.close()
    await theirs.hears_the_end("no end")
    assert "without the end that TLS has" in str(theirs.ends[0])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("ca", "unable to get local issuer certificate"),
        ("name", "it is not for the name 'localhost'."),
        ("date", "certificate has expired"),
    ],
)
async def test_a_certificate_that_is_not_right_is_refused_at_both_ends(fault: str, said: str, tmp_path: Path) -> None:
    trusted = Authority(tmp_path)
    signing = Authority(tmp_path, "another CA") if fault == "ca" else trusted
    cert, key = signing.signs("server", host="elsewhere" if fault == "name" else "localhost", days=-1 if fault == "date" else 1)
    below, above = memory_stream_pair()
    server = TlsStream(above, TlsFiles(cert, key).server())
    server.start()
    with pytest.raises(HandshakeFailed) as refused:
        await opened_client(TlsFiles(tls_ca=trusted.file).secured(below, "localhost"), 10)
    assert said in str(refused.value)
    with pytest.raises(HandshakeFailed, match=r"TLS handshake failed: .*alert"):
        await server.opened()


async def test_a_name_may_be_given(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server", host="chat.example.org")
    below, above = memory_stream_pair()
    TlsStream(above, TlsFiles(cert, key).server()).start()
    files = TlsFiles(tls_ca=authority.file, tls_name="chat.example.org")
    await opened_client(files.secured(below, "127.0.0.1"), 10)


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("tls_ca", Path("none"), r"CA certificates in none cannot be used"),
        ("tls_name", ".example.org", r"'\.example\.org' cannot be the name in a certificate"),
        ("tls_name", "x" * 64 + ".example.org", "cannot be the name in a certificate"),
        ("tls_name", "a..b", r"'a\.\.b' cannot be the name in a certificate"),
    ],
)
async def test_options_that_cannot_be_used_are_told_and_leave_no_connection_open(option: str, value: Any, why: str) -> None:
    below, above = memory_stream_pair()
    with pytest.raises(Usage, match=why):
        TlsFiles(**{option: value}).secured(below, "localhost")
    await Receiver(above).hears_the_end("The stream below stays open.")


async def test_a_host_that_cannot_be_in_a_certificate_is_named_and_no_option_is_blamed() -> None:
    below, above = memory_stream_pair()
    with pytest.raises(Usage) as raised:
        TlsFiles().secured(below, "a..b")
    assert (str(raised.value), raised.value.hint) == ("'a..b' cannot be the name in a certificate.", "Check the address.")
    await Receiver(above).hears_the_end("The stream below stays open.")


async def test_a_peer_that_does_not_speak_tls_is_refused(authority: Authority) -> None:
    below, above = memory_stream_pair()
    server = TlsStream(above, TlsFiles(*authority.signs("server")).server())
    server.start()
    below.send(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(HandshakeFailed, match="TLS handshake failed: http request"):
        await server.opened()


async def test_bytes_changed_below_are_a_fault(authority: Authority) -> None:
    client, server = await met(authority)
    theirs = Receiver(server)
    sealed = bytearray(client.wrap(b"hello"))
    sealed[-1] ^= 1
    client.below.send(bytes(sealed))
    await theirs.hears_the_end("It goes on.")
    assert "a fault in its TLS" in str(theirs.ends[0])


def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.signs("one")
    _, other = authority.signs("other")
    with pytest.raises(Usage, match="needs a certificate and its key"):
        TlsFiles(tls_cert=cert).server()
    with pytest.raises(Usage, match="cannot be used: key values mismatch"):
        TlsFiles(cert, other).server()
    for one, two in ((tmp_path / "none", key), (cert, tmp_path / "none")):
        with pytest.raises(Usage, match=r"cannot be used: no such file or directory \(.*none\)") as caught:
            TlsFiles(one, two).server()
        assert caught.value.hint
    cert.chmod(0o600)
    with pytest.raises(Usage, match="cannot be used: there is no certificate in the one, or no private key in the other"):
        TlsFiles(cert, cert).server()
    with pytest.raises(Usage, match=r"CA certificates in .* cannot be used"):
        TlsFiles(tls_ca=tmp_path / "none").client()


@pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
@pytest.mark.parametrize(("mode", "good"), [(0o600, True), (0o640, True), (0o644, False), (0o602, False)])
def test_a_key_that_every_user_can_open_is_refused_with_what_to_run(authority: Authority, mode: int, good: bool) -> None:
    cert, key = authority.signs("one")
    key.chmod(mode)
    if good:
        TlsFiles(cert, key).server()
        return
    with pytest.raises(Usage, match="all users of this machine can read or change") as refused:
        TlsFiles(cert, key).server()
    assert refused.value.hint == f"`chmod o= {key}`"


@pytest.mark.parametrize("layer", [Tls, Wss, Web])
async def test_the_passphrase_of_a_key_is_asked_for_and_never_by_openssl(authority: Authority, layer: type[Transport]) -> None:
    cert, key = authority.signs("one")
    encrypt(key, b"open sesame")
    asked: list[str] = []

    def answers(prompt: str) -> str:
        asked.append(prompt)
        return "open sesame"

    def nobody(prompt: str) -> str:
        raise UnknownPeer("nobody to ask")

    tries: list[tuple[Callable[[str], str], str]] = [
        (answers, ""),
        (nobody, "has a passphrase"),
        (lambda prompt: "wrong", "passphrase is wrong"),
        (lambda prompt: "x" * 2000, "password cannot be longer"),
    ]
    for secret, said in tries:
        transport = layer(tls_cert=cert, tls_key=key)
        await transport.ready(Role.RESPONDER, secret)
        if said:
            with pytest.raises(Usage, match=said):
                await transport.listen("127.0.0.1", 0)
        else:
            await (await transport.listen("127.0.0.1", 0)).close()
    assert asked == [f"Passphrase of {key}: "]


def encrypt(file: Path, passphrase: bytes) -> None:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(passphrase)
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def test_old_versions_are_not_spoken(authority: Authority) -> None:
    files = TlsFiles(*authority.signs("one"), authority.file)
    assert {files.server().minimum_version, files.client().minimum_version} == {ssl.TLSVersion.TLSv1_2}
