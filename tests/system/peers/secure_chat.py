"""secure-chat: AES-GCM in typed frames, under an RSA-wrapped key, written with sockets and `cryptography` alone.

    python secure_chat.py server|client [--host H] [--port N]

Every frame is a type byte, a 4-byte big-endian length and its payload: K the server's RSA key (PEM), S the client's
session key (OAEP), M nonce || ciphertext || tag.
"""

import os
import socket
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PORT = 8000
PROMPT = "Type Message: "
RECEIVED = "Message Received: "
SKIPPED = (InvalidTag, ValueError)
LAST_WORD = "exit"
NONCE = 12
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def outgoing(line: str) -> str | None:
    """What is sent for a typed line: the line, be it empty."""
    return line.removesuffix("\n")


def frame(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">cI", kind, len(payload)) + payload


def recv_exactly(sock: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        piece = sock.recv(min(count - len(data), 65536))
        if not piece:
            return None
        data += piece
    return data


def recv_frame(sock: socket.socket) -> tuple[bytes, bytes] | None:
    """One frame as (kind, payload); None once closed."""
    if (header := recv_exactly(sock, 5)) is None:
        return None
    kind, length = struct.unpack(">cI", header)
    payload = recv_exactly(sock, length)
    return None if payload is None else (kind, payload)


def expect(sock: socket.socket, kind: bytes) -> bytes:
    if (received := recv_frame(sock)) is None:
        raise ConnectionError("closed during the handshake")
    if received[0] != kind:
        raise ValueError(f"expected a frame {kind!r}, got {received[0]!r}")
    return received[1]


def new_private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def handshake_server(sock: socket.socket, private: rsa.RSAPrivateKey | None = None) -> bytes:
    """Send the public key, return the session key. ValueError if what comes is not an AES key under OAEP in a frame S."""
    private = private or new_private_key()
    sock.sendall(frame(b"K", pem(private)))
    key = private.decrypt(expect(sock, b"S"), OAEP)
    if len(key) not in (16, 24, 32):
        raise ValueError("the session key is not 16, 24 or 32 bytes long")
    return key


def handshake_client(sock: socket.socket, key: bytes | None = None) -> bytes:
    """Send `key`, of any length, or 32 random bytes; return it. ValueError if no frame K with an RSA key in PEM came."""
    key = os.urandom(32) if key is None else key
    public = serialization.load_pem_public_key(expect(sock, b"K"))
    if not isinstance(public, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    sock.sendall(frame(b"S", public.encrypt(key, OAEP)))
    return key


def seal(key: bytes, plaintext: bytes, nonce: bytes | None = None) -> bytes:
    nonce = nonce or os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def send_message(sock: socket.socket, key: bytes, text: str, nonce: bytes | None = None) -> None:
    sock.sendall(frame(b"M", seal(key, text.encode(), nonce)))


def recv_message(sock: socket.socket, key: bytes) -> str | None:
    """One message, past frames of any other type; None once closed. One of SKIPPED for a frame it cannot read."""
    while (received := recv_frame(sock)) is not None:
        kind, payload = received
        if kind == b"M":
            return AESGCM(key).decrypt(payload[:NONCE], payload[NONCE:], None).decode(errors="ignore")
    return None


if __name__ == "__main__":
    from program import run

    run(sys.modules[__name__])
