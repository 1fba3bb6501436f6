"""demo02: AES-GCM behind a length, under an RSA-wrapped key, written with sockets and `cryptography` alone.

    python demo02.py server|client [--host H] [--port N]

Every frame is a 4-byte big-endian length and its payload. The server sends its RSA key (PEM), the client the session
key (OAEP), then both send nonce || ciphertext || tag.
"""

import os
import socket
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PORT = 5002
PROMPT = "You: "
RECEIVED = "[Peer]: "
SKIPPED = (InvalidTag, ValueError)
LAST_WORD = None
NONCE = 12
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def outgoing(line: str) -> str | None:
    """What is sent for a typed line, trimmed; None for nothing."""
    return line.strip() or None


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def recv_frame(sock: socket.socket) -> bytes | None:
    """One payload; None once closed. The header is asked for once only: struct.error if it comes in pieces."""
    header = sock.recv(4)
    if not header:
        return None
    (length,) = struct.unpack(">I", header)
    payload = b""
    while len(payload) < length:
        piece = sock.recv(min(length - len(payload), 65536))
        if not piece:
            return None
        payload += piece
    return payload


def new_private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def handshake_server(sock: socket.socket, private: rsa.RSAPrivateKey | None = None) -> bytes:
    """Send the public key, return the session key. ValueError if what comes is not 32 bytes under OAEP."""
    private = private or new_private_key()
    sock.sendall(frame(pem(private)))
    if (sealed := recv_frame(sock)) is None:
        raise ConnectionError("closed during the handshake")
    key = private.decrypt(sealed, OAEP)
    if len(key) != 32:
        raise ValueError("the session key is not 32 bytes long")
    return key


def handshake_client(sock: socket.socket, key: bytes | None = None) -> bytes:
    """Send `key`, of any length, or 32 random bytes; return it. ValueError if the server's key is not an RSA key in PEM."""
    key = os.urandom(32) if key is None else key
    if (encoded := recv_frame(sock)) is None:
        raise ConnectionError("closed during the handshake")
    public = serialization.load_pem_public_key(encoded)
    if not isinstance(public, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    sock.sendall(frame(public.encrypt(key, OAEP)))
    return key


def seal(key: bytes, plaintext: bytes, nonce: bytes | None = None) -> bytes:
    nonce = nonce or os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, None)


def send_message(sock: socket.socket, key: bytes, text: str, nonce: bytes | None = None) -> None:
    sock.sendall(frame(seal(key, text.encode(), nonce)))


def recv_message(sock: socket.socket, key: bytes) -> str | None:
    """One message; None once closed. One of SKIPPED for a frame it cannot read: the next may be sound."""
    if (payload := recv_frame(sock)) is None:
        return None
    return AESGCM(key).decrypt(payload[:NONCE], payload[NONCE:], None).decode()


if __name__ == "__main__":
    from program import run

    run(sys.modules[__name__])
