"""Record transcripts/*.json again: the peers' own functions over a loopback connection, every write noted.

From the folder above: `python -m peers.record`.
"""

import json
import os
import socket
import threading
from pathlib import Path
from types import ModuleType

from cryptography.hazmat.primitives import serialization

from . import CHATS, demo01, demo02, secure_chat

TRANSCRIPTS = Path(__file__).parent / "transcripts"
NOTE = "Recorded by peers.record. The RSA private key and all other secrets here are throwaway, made for this test data only."
LINES = [
    ("server", "hello"),
    ("client", "hi, who is there?"),
    ("client", "Grüße, 你好, \N{WAVING HAND SIGN}"),
    ("server", "long " * 1000 + "line"),
    ("client", ""),
    ("server", "  spaces around  "),
]
LAST = {"demo01": "client", "demo02": "server", "secure_chat": "client"}


class Tap:
    """One end's socket; what is written goes into the transcript too."""

    def __init__(self, sock: socket.socket, end: str, transcript: list[dict]) -> None:
        self.sock, self.end, self.transcript = sock, end, transcript
        self.recv = sock.recv

    def sendall(self, data: bytes) -> None:
        self.transcript.append({"from": self.end, "bytes": data.hex()})
        self.sock.sendall(data)


def shake_hands(chat: ModuleType, taps: dict[str, Tap], secrets: dict, transcript: list[dict]) -> bytes | None:
    private = chat.new_private_key()
    if private is None:
        return None
    server = threading.Thread(target=chat.handshake_server, args=(taps["server"], private))
    server.start()
    key = chat.handshake_client(taps["client"])
    server.join()
    transcript[0]["means"] = "the server's RSA public key, PEM"
    transcript[1]["means"] = "the session key under RSA-OAEP"
    pkcs8 = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secrets["rsa_private_key"] = pkcs8.decode()
    secrets["session_key"] = key.hex()
    # OAEP is randomised, and `cryptography` takes no seed: a replay of the client's role injects this instead.
    secrets["sealed_session_key"] = bytes.fromhex(transcript[1]["bytes"])[-private.key_size // 8 :].hex()
    return key


def say(chat: ModuleType, key: bytes | None, taps: dict[str, Tap], end: str, line: str) -> None:
    """Send what the chat makes of a typed line, see it arrive, and say in the transcript what it was."""
    if (text := chat.outgoing(line + "\n")) is None:
        return
    nonce = os.urandom(12) if key else None
    chat.send_message(taps[end], key, text, nonce)
    other = taps["client" if end == "server" else "server"]
    heard = chat.recv_message(other, key)
    while len(heard) < len(text):  # demo01 has no boundaries: a read may bring less than a message
        heard += chat.recv_message(other, key)
    assert heard == text
    entry = taps[end].transcript[-1]
    entry |= {"means": "exit" if text == "exit" else "message", "typed": line, "text": text}
    if nonce:
        entry["nonce"] = nonce.hex()


def record(name: str, chat: ModuleType) -> dict:
    transcript: list[dict] = []
    secrets: dict = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        taps = {"client": Tap(client, "client", transcript), "server": Tap(server, "server", transcript)}
        key = shake_hands(chat, taps, secrets, transcript)
        for end, line in [*LINES, (LAST[name], "exit")]:
            say(chat, key, taps, end, line)
    return {"chat": name, "note": NOTE, "secrets": secrets, "transcript": transcript}


if __name__ == "__main__":
    TRANSCRIPTS.mkdir(exist_ok=True)
    for name, chat in zip(CHATS, (demo01, demo02, secure_chat), strict=True):
        path = TRANSCRIPTS / f"{name}.json"
        path.write_text(json.dumps(record(name, chat), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.name)
