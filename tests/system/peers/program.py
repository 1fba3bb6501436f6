"""What the three peers do alike when run as programs: listen or connect, then two threads on one blocking socket.

`run(chat)` takes one of the modules demo01, demo02, secure_chat; how they differ is there, by these names:
PORT, PROMPT, RECEIVED, SKIPPED (errors after which receiving goes on), LAST_WORD (sent at end of input, or None),
outgoing(line), new_private_key, handshake_server, handshake_client, send_message, recv_message.
"""

import argparse
import contextlib
import os
import socket
import struct
import sys
import threading


def is_exit(text: str) -> bool:
    return text.strip().lower() == "exit"


def complain(error: Exception) -> None:
    print(f"[Error]: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


class Conversation:
    def __init__(self, chat, sock, key):
        self.chat, self.sock, self.key = chat, sock, key
        self.over = threading.Event()

    def hold(self) -> None:
        for loop in self.receive, self.send:
            threading.Thread(target=loop, daemon=True).start()
        self.over.wait()
        with contextlib.suppress(OSError):  # the peer may be gone already
            self.sock.shutdown(socket.SHUT_RDWR)

    def receive(self) -> None:
        while True:
            try:
                text = self.chat.recv_message(self.sock, self.key)
            except self.chat.SKIPPED as error:
                complain(error)
                continue
            except UnicodeDecodeError as error:
                complain(error)
                return  # its receiving ends here, but not the chat: what is typed is still sent
            except (OSError, struct.error) as error:
                complain(error)
                break
            if text is None or is_exit(text):
                break
            print(("\r" if sys.stdin.isatty() else "") + self.chat.RECEIVED + text, flush=True)
            self.prompt()
        self.over.set()

    def send(self) -> None:
        try:
            self.prompt()
            for line in sys.stdin:
                text = self.chat.outgoing(line)
                if text is not None:
                    self.chat.send_message(self.sock, self.key, text)
                    if is_exit(text):
                        break
                self.prompt()
            else:
                if self.chat.LAST_WORD:
                    self.chat.send_message(self.sock, self.key, self.chat.LAST_WORD)
        except OSError as error:
            complain(error)
        self.over.set()

    def prompt(self) -> None:
        if sys.stdin.isatty():
            print(self.chat.PROMPT, end="", flush=True)


def accept_one(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as server:
        print("listening", server.getsockname()[1], file=sys.stderr, flush=True)
        return server.accept()[0]


def converse(chat) -> int:
    parser = argparse.ArgumentParser(description=chat.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=chat.PORT)
    args = parser.parse_args()
    try:
        if args.role == "server":
            private = chat.new_private_key()
            sock = accept_one(args.host, args.port)
            key = chat.handshake_server(sock, private)
        else:
            sock = socket.create_connection((args.host, args.port))
            key = chat.handshake_client(sock)
    except (OSError, ValueError, struct.error) as error:
        complain(error)
        return 1
    Conversation(chat, sock, key).hold()
    return 0


def run(chat) -> None:
    """Be the program: never returns."""
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        status = converse(chat)
    except KeyboardInterrupt:
        status = 130
    sys.stdout.flush()
    os._exit(status)  # the sending thread may still be blocked in a read of stdin, which an orderly end would wait for
