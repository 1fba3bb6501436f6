"""Proxies, each run as an ordinary process on a free port: microsocks (SOCKS5) and tinyproxy (HTTP CONNECT).

Also what is behind a proxy, and what takes the place of one.
"""

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web_servers import free_port, running

MICROSOCKS, TINYPROXY = shutil.which("microsocks"), shutil.which("tinyproxy")
needs_proxies = pytest.mark.skipif(
    not (MICROSOCKS and TINYPROXY), reason="needs microsocks and tinyproxy (on Debian: apt install microsocks tinyproxy)"
)
USER, PASSWORD = "bob", "open-sesame"


@contextlib.contextmanager
def microsocks(folder: Path, password: bool = False) -> Iterator[str]:
    """HOST:PORT of a SOCKS5 proxy, for everybody or for USER with PASSWORD."""
    port = free_port()
    words = ["-u", USER, "-P", PASSWORD] if password else []
    with running([str(MICROSOCKS), "-i", "127.0.0.1", "-p", str(port), *words], port, folder):
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def tinyproxy(folder: Path, password: bool = False) -> Iterator[str]:
    """HOST:PORT of an HTTP proxy, in the same way."""
    port, file = free_port(), folder / "tinyproxy.conf"
    words = f"BasicAuth {USER} {PASSWORD}\n" if password else ""
    file.write_text(f'Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nLogFile "{folder}/tinyproxy.log"\n{words}')
    with running([str(TINYPROXY), "-d", "-c", str(file)], port, folder):
        yield f"127.0.0.1:{port}"


PROXIES = {"socks5h": microsocks, "http": tinyproxy}


@contextlib.contextmanager
def proxy(scheme: str, folder: Path, password: bool = False) -> Iterator[str]:
    """The URL of a proxy that speaks this; with `password` it has USER and PASSWORD in it."""
    with PROXIES[scheme](folder, password) as address:
        yield f"{scheme}://{USER}:{PASSWORD}@{address}" if password else f"{scheme}://{address}"


@contextlib.contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that talks with each peer in a thread, and then closes."""

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock = listening.accept()[0]
                threading.Thread(target=one, args=(sock,), daemon=True).start()

    def one(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            talk(sock)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def greeting() -> contextlib.AbstractContextManager[int]:
    """The port of a server that says hello first, sends back what it receives, and ends when its peer has ended."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(b"hello ")
        while data := sock.recv(65536):
            sock.sendall(data)

    return serving(talk)


@contextlib.contextmanager
def answering(*pieces: bytes) -> Iterator[str]:
    """HOST:PORT of a server that waits for the first bytes, sends these answers, each in a packet, and closes."""

    def talk(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(65536)
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.005)  # so that each is a packet
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):  # a close with something unread would be a reset
            pass

    with serving(talk) as port:
        yield f"127.0.0.1:{port}"
