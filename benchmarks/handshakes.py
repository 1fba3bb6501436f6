"""Handshakes a second: Noise in process and over TCP, beside `noiseprotocol`, asyncio's TLS 1.3 and RSA-2048 with a fresh key.

    python -m benchmarks.handshakes NAME

is a server of one kind (`SERVERS`): it prints its port, and for each line on standard input the processor seconds so far.
Over TCP both sides' handshake messages travel in frames with a length, and the connection closes when the server has its keys.
"""

import asyncio
import datetime
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from struct import Struct
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from noise.connection import Keypair, NoiseConnection

from benchmarks.pairs import Process
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import named

XX = "Noise_XX_25519_ChaChaPoly_SHA256"
HYBRID = tuple(f"Noise_XXhfs_25519+MLKEM768_{cipher}_SHA256" for cipher in ("AESGCM", "ChaChaPoly"))
THEIRS, TCP, TLS, RSA = "noiseprotocol", "a connection alone", "asyncio TLS 1.3", "RSA-2048, a fresh key"
HOST = "127.0.0.1"
LENGTH = Struct(">H")
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
Side = tuple[Callable[[], bytes], Callable[[bytes], Any], Callable[[], Any]]
Make = Callable[[bool], Side]
"""One side of a handshake (whether it begins): what writes a message, what reads one, what gives the keys."""


def ours(name: str) -> Make:
    """Our engine, with static keys as a process has them: made once."""
    protocol, static = named(name), {side: X25519.generate_keypair() for side in (True, False)}

    def make(initiator: bool) -> Side:
        state = HandshakeState(protocol, initiator=initiator, s=static[initiator])
        return state.write_message, state.read_message, state.split

    return make


def theirs(reused: bool = False) -> Make:
    """`noiseprotocol` by its public API, which takes a static key as bytes; `reused` hands over the key pair it made of them."""
    static = {side: X25519.generate_keypair().private.private_bytes_raw() for side in (True, False)}
    pairs: dict[bool, Any] = {}

    def make(initiator: bool) -> Side:
        one = NoiseConnection.from_name(XX.encode())
        one.set_as_initiator() if initiator else one.set_as_responder()
        if initiator in pairs:
            one.noise_protocol.keypairs["s"] = pairs[initiator]
        else:
            one.set_keypair_from_private_bytes(Keypair.STATIC, static[initiator])
            if reused:
                pairs[initiator] = one.noise_protocol.keypairs["s"]
        one.start_handshake()
        return one.write_message, one.read_message, lambda: None  # it has its keys after the last message

    return make


MAKERS: dict[str, Callable[[], Make]] = {
    "XX": lambda: ours(XX),
    THEIRS: theirs,
    f"{THEIRS}, key reused": lambda: theirs(reused=True),
    **{name: (lambda name=name: ours(name)) for name in HYBRID},  # type: ignore[misc]
}


def in_process(make: Make, count: int) -> tuple[float, float]:
    """Processor microseconds a handshake: the server's side, and both sides, from making the states to having the keys."""
    server = 0.0
    start = process_time()
    for _ in range(count):
        write, read, split = make(True)
        a = write()
        mark = process_time()
        write_back, read_back, split_back = make(False)
        read_back(a)
        b = write_back()
        server += process_time() - mark
        read(b)
        c = write()
        split()
        mark = process_time()
        read_back(c)
        split_back()
        server += process_time() - mark
    both = process_time() - start
    return server / count * 1e6, both / count * 1e6


def rsa_2048(count: int) -> tuple[float, float]:
    """The same for a fresh RSA-2048 key that the client seals a session key with (RSA-OAEP), as the older chats do."""
    server = 0.0
    start = process_time()
    for _ in range(count):
        mark = process_time()
        key = rsa.generate_private_key(65537, 2048)
        public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        server += process_time() - mark
        loaded: Any = serialization.load_pem_public_key(public)
        sealed = loaded.encrypt(bytes(32), OAEP)
        mark = process_time()
        key.decrypt(sealed, OAEP)
        server += process_time() - mark
    return server / count * 1e6, (process_time() - start) / count * 1e6


# -- over TCP ---------------------------------------------------------------------------------------------------------------


class Noise(asyncio.BufferedProtocol):
    """One side of a Noise handshake of three messages, in frames with a length; the server closes when it has its keys.

    All connections read into one buffer, as those of plytalk and, each into its own, those of asyncio's TLS.
    """

    read_buffer = memoryview(bytearray(64 * 1024))

    def __init__(self, make: Make, initiator: bool) -> None:
        self._make, self._initiator = make, initiator
        self._buffer, self._heard = b"", 0
        self.over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._write, self._read, self._split = self._make(self._initiator)
        if self._initiator:
            self._send()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._buffer += self.read_buffer[:nbytes]
        while len(self._buffer) >= 2 and len(self._buffer) >= (end := 2 + LENGTH.unpack_from(self._buffer)[0]):
            message, self._buffer = self._buffer[2:end], self._buffer[end:]
            self._read(message)
            self._heard += 1
            if self._heard == 1:
                self._send()
            if self._initiator or self._heard == 2:
                self._split()
            if self._heard == 2:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set_result(error)

    def _send(self) -> None:
        message = self._write()
        self._transport.write(LENGTH.pack(len(message)) + message)


class Bare(asyncio.Protocol):
    """One side of a connection on which nothing is said. asyncio does the TLS handshake, if any; then the server closes."""

    def __init__(self, server: bool) -> None:
        self._server = server
        self.over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        if self._server:
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set_result(error)


def certificate(folder: str) -> Path:
    """A certificate for ECDSA P-256 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = Path(folder, "certificate.pem")
    pem, pkcs8, bare = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, pkcs8, bare) + signed.public_bytes(pem))
    return file


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # nobody comes back, so nothing is made for that
    with TemporaryDirectory() as folder:
        context.load_cert_chain(certificate(folder))
    return context


def tls_client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the client's work is not what is compared
    return context


OVER_TCP = ("XX", THEIRS, *HYBRID, TLS, TCP)


def side(name: str, server: bool) -> tuple[Callable[[], Any], ssl.SSLContext | None]:
    """What makes a protocol for each connection, and the TLS context."""
    if name in (TCP, TLS):
        return partial(Bare, server), None if name == TCP else tls_server() if server else tls_client()
    return partial(Noise, MAKERS[name](), not server), None


async def serve(name: str) -> None:
    loop = asyncio.get_running_loop()
    protocol, context = side(name, server=True)
    server = await loop.create_server(protocol, HOST, 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        print(process_time(), flush=True)


@contextmanager
def over_tcp(name: str) -> Iterator[Callable[[int], tuple[float, float]]]:
    """What measures `count` handshakes with a server in another process: its processor µs for each, and both processes'."""
    server = Process("handshakes", name)

    def used() -> float:
        server.tell("")
        return float(server.line())

    async def connect() -> None:
        _, connection = await asyncio.get_running_loop().create_connection(protocol, HOST, port, ssl=context)
        await connection.over

    async def call(count: int) -> None:  # all at once: a server that has work to do, as a rate supposes
        await asyncio.gather(*(connect() for _ in range(count)))

    def measure(count: int) -> tuple[float, float]:
        theirs, own = used(), process_time()
        runner.run(call(count))
        own = process_time() - own
        theirs = used() - theirs
        return theirs / count * 1e6, (theirs + own) / count * 1e6

    try:
        port = int(server.line())
        protocol, context = side(name, server=False)
        with asyncio.Runner() as runner:
            yield measure
    finally:
        server.end()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
