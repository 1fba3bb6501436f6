"""Bad habits, for a raw socket: what a careless, broken or hostile peer does to the one at the other end.

Bytes come from the peers' own `frame` and `seal`; here is what is done to them and how they are sent. A habit is any
callable taking a connected socket: `bad_server` lends it to a listening socket, `connect` gives one to drive by hand.
"""

import base64
import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

OVERSIZE = b"\xff\xff\xff\xff"  # a length of 4 GiB - 1, with nothing behind it
UNDECODABLE = (b"\xff", b"caf\xc3(", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf")  # wild, bare, surrogate, cut, overlong
NOT_PEM = (
    b"",
    b"hello",
    os.urandom(450),
    b"-----BEGIN PUBLIC KEY-----\n",
    b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    b"-----BEGIN PUBLIC KEY-----\n\xff\xfe\n-----END PUBLIC KEY-----\n",
)
ED25519_PEM = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""  # a sound key of another kind (RFC 8032, section 7.1, test 1)

# How bytes are sent


def apart(sock: socket.socket, *pieces: bytes, pause: float = 0.02) -> None:
    """Each piece in its own packet, such as a header and its payload, `pause` seconds between them."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for index, piece in enumerate(pieces):
        if index:
            time.sleep(pause)
        sock.sendall(piece)


def dripping(sock: socket.socket, data: bytes, pause: float = 0.0) -> None:
    """One byte at a time."""
    apart(sock, *(data[i : i + 1] for i in range(len(data))), pause=pause)


def together(sock: socket.socket, *frames: bytes) -> None:
    """Several frames in one write."""
    sock.sendall(b"".join(frames))


def half(sock: socket.socket, frame: bytes) -> None:
    """The first half of a frame and no more; `vanish` or `leave` may follow."""
    sock.sendall(frame[: len(frame) // 2])


# How a peer goes, or does not


def vanish(sock: socket.socket) -> None:
    """Reset the connection: closed with RST, nothing flushed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def leave(sock: socket.socket) -> None:
    """Close with FIN, saying nothing."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def silence(sock: socket.socket) -> bytes:
    """Say nothing; returns all that the other end said until it left."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while data := sock.recv(65536):
            heard += data
    return heard


# What is done to bytes


def flip(data: bytes, bit: int = -1) -> bytes:
    """The same with one bit changed, by default the last: of a sealed frame that is the tag's."""
    bit %= len(data) * 8
    return bytes(byte ^ (0x80 >> bit % 8 if i == bit // 8 else 0) for i, byte in enumerate(data))


def cut_character(text: str) -> tuple[bytes, bytes]:
    """The text's UTF-8 in two pieces, cut within its first character that has more than one byte. ValueError if none has."""
    for index, character in enumerate(text):
        if len(character.encode()) > 1:
            at = len(text[:index].encode()) + 1
            return text.encode()[:at], text.encode()[at:]
    raise ValueError("no character of more than one byte")


def rsa_pem(bits: int = 2048, exponent: int = 65537) -> bytes:
    """A well-formed RSA public key of any size at no cost: an odd modulus nobody knows the factors of."""
    modulus = int.from_bytes(os.urandom(bits // 8)) | 1 << bits - 1 | 1
    key = _der(0x30, _der_integer(modulus) + _der_integer(exponent))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, NULL (RFC 8017, appendix A.1)
    body = base64.encodebytes(_der(0x30, algorithm + _der(0x03, b"\0" + key)))
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"-----END PUBLIC KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _der_integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


# Where a habit is had


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A raw client. Reads give up after 30 s, so that a test which would hang fails instead."""
    return socket.create_connection((host, port), timeout=180)


@contextlib.contextmanager
def bad_server(habit: Callable[[socket.socket], object], host: str = "127.0.0.1") -> Iterator[int]:
    """Yields the port where `habit` is had with the one connection accepted, in a thread; its errors are raised at the end."""
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            sock, _ = server.accept()
            sock.settimeout(180)
            with sock:
                habit(sock)
        except BaseException as error:
            failures.append(error)

    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        server.settimeout(180)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()
    if failures:
        raise failures[0]
