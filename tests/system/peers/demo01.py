"""demo01: the plaintext chat, written from its description alone.

    python demo01.py server|client [--host H] [--port N]

No framing, no handshake, no cipher: UTF-8 bytes as they come, one write per message, and each read taken for one.
`key` is always None; it is there so that the three peers share one API.
"""

import socket
import sys

PORT = 5002
PROMPT = "You: "
RECEIVED = "[Peer]: "
SKIPPED = ()
LAST_WORD = None
READ = 4096


def outgoing(line: str) -> str | None:
    """What is sent for a typed line, trimmed; None for nothing."""
    return line.strip() or None


def new_private_key() -> None:
    """There is none."""


def handshake_server(sock: socket.socket, private: None = None) -> None:
    """There is none."""


def handshake_client(sock: socket.socket, key: None = None) -> None:
    """There is none."""


def send_message(sock: socket.socket, key: None, text: str, nonce: None = None) -> None:
    """One write, and no newline behind it."""
    sock.sendall(text.encode())


def recv_message(sock: socket.socket, key: None) -> str | None:
    """Whatever one read brings; None once closed. UnicodeDecodeError if it is not UTF-8, or ends within a character."""
    data = sock.recv(READ)
    return data.decode() if data else None


if __name__ == "__main__":
    from program import run

    run(sys.modules[__name__])
