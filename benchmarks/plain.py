"""The plain program: what the three existing chats do, in the way they do it, without their screens.

    python -m benchmarks.plain server|client|greeter|caller PROFILE PORT [relay]

Blocking sockets with the system's defaults; one thread that sends and one that receives; the header and the payload read one
after the other; a new AESGCM object and twelve bytes from the system for each message. Nothing is printed on the way.
With `relay` the sending thread answers what the receiving thread got, as it is in a chat; without, the receiving thread answers
by itself, which is the least that such a program can do. `greeter` and `caller` only shake hands, again and again.
"""

import os
import queue
import socket
import struct
import sys
import threading
from collections.abc import Callable
from time import perf_counter

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import script

HOST = "127.0.0.1"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
NONCE = 12


class Closed(Exception):
    """The other side is gone."""


class Demo01:
    """Text as it comes."""

    def __init__(self, sock: socket.socket, key: bytes) -> None:
        self.sock, self.key = sock, key

    @classmethod
    def greet(cls, sock: socket.socket, private: rsa.RSAPrivateKey) -> bytes:
        """The server's side of the handshake: the session key."""
        return b""

    @classmethod
    def call(cls, sock: socket.socket) -> bytes:
        """The client's side."""
        return b""

    def say(self, text: str) -> None:
        self.sock.sendall(text.strip().encode())

    def hear(self) -> str:
        data = self.sock.recv(4096)
        if not data:
            raise Closed
        return data.decode()


class Demo02(Demo01):
    """A 4-byte length, then the payload; messages sealed with AES-GCM under a key that came under RSA."""

    @staticmethod
    def frame(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + payload

    @staticmethod
    def read(sock: socket.socket) -> bytes:
        (length,) = struct.unpack(">I", read_exactly(sock, 4))
        return read_exactly(sock, length)

    @classmethod
    def greet(cls, sock: socket.socket, private: rsa.RSAPrivateKey) -> bytes:
        pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        sock.sendall(cls.frame(b"K", pem))
        return private.decrypt(cls.read(sock), OAEP)

    @classmethod
    def call(cls, sock: socket.socket) -> bytes:
        public = serialization.load_pem_public_key(cls.read(sock))
        assert isinstance(public, rsa.RSAPublicKey)
        key = os.urandom(32)
        sock.sendall(cls.frame(b"S", public.encrypt(key, OAEP)))
        return key

    def say(self, text: str) -> None:
        nonce = os.urandom(NONCE)
        self.sock.sendall(self.frame(b"M", nonce + AESGCM(self.key).encrypt(nonce, text.strip().encode(), None)))

    def hear(self) -> str:
        payload = self.read(self.sock)
        return AESGCM(self.key).decrypt(payload[:NONCE], payload[NONCE:], None).decode()


class SecureChat(Demo02):
    """The same behind a header with a type; lines go as they are typed."""

    @staticmethod
    def frame(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">cI", kind, len(payload)) + payload

    @staticmethod
    def read(sock: socket.socket) -> bytes:
        _, length = struct.unpack(">cI", read_exactly(sock, 5))
        return read_exactly(sock, length)

    def say(self, text: str) -> None:
        nonce = os.urandom(NONCE)
        self.sock.sendall(self.frame(b"M", nonce + AESGCM(self.key).encrypt(nonce, text.encode(), None)))


CHATS: dict[str, type[Demo01]] = {"demo01": Demo01, "demo02": Demo02, "secure-chat": SecureChat}


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise Closed
        data += piece
    return data


def receive(chat: Demo01, heard: Callable[[str], None]) -> None:
    try:
        while True:
            text = chat.hear()
            if text.strip().lower() == "exit":
                return
            heard(text)
    except (Closed, ConnectionError):
        return


def relayed(say: Callable[[str], None]) -> Callable[[str], None]:
    """Let another thread say it."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run() -> None:
        while True:
            say(waiting.get())

    threading.Thread(target=run, daemon=True).start()
    return waiting.put


def serve(chat: Demo01, say: Callable[[str], None]) -> None:
    server = script.Server()
    server.say = say
    threading.Thread(target=receive, args=(chat, server.message), daemon=True).start()
    sys.stdin.read()


def talk(chat: Demo01, say: Callable[[str], None]) -> None:
    answered = threading.Semaphore(0)
    client = script.Client()
    client.say, client.answered = say, answered.release
    threading.Thread(target=receive, args=(chat, client.message), daemon=True).start()
    print("open", flush=True)
    for order in sys.stdin:
        what, size, count = order.split()
        lines = [line for burst in script.bursts(int(size), int(count)) for line in burst]
        chat.say(f"take {int(size) * int(count)}" if what == "send" else f"echo {count}")
        answered.acquire()
        start = perf_counter()
        if what == "send":
            for line in lines:
                chat.say(line)
        else:
            client.echoes = int(count)
            chat.say(lines[0])
        answered.acquire()
        print(perf_counter() - start, flush=True)


def call_again_and_again(kind: type[Demo01], port: int) -> None:
    print("open", flush=True)
    for order in sys.stdin:
        start = perf_counter()
        for _ in range(int(order.split()[1])):
            with socket.create_connection((HOST, port)) as sock:
                kind.call(sock)
                sock.recv(1)  # the server closes once it has the key
        print(perf_counter() - start, flush=True)


def listen(role: str, kind: type[Demo01], relay: bool) -> None:
    private = rsa.generate_private_key(65537, 2048)
    with socket.create_server((HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while role == "greeter":
            with listener.accept()[0] as sock:
                kind.greet(sock, private)
        with listener.accept()[0] as sock:
            chat = kind(sock, kind.greet(sock, private))
            serve(chat, relayed(chat.say) if relay else chat.say)


def main(role: str, profile: str, port: str, variant: str = "") -> None:
    kind, relay = CHATS[profile], variant == "relay"
    if role == "caller":
        call_again_and_again(kind, int(port))
    elif role == "client":
        with socket.create_connection((HOST, int(port))) as sock:
            chat = kind(sock, kind.call(sock))
            talk(chat, relayed(chat.say) if relay else chat.say)
    else:
        listen(role, kind, relay)


if __name__ == "__main__":
    main(*sys.argv[1:])
