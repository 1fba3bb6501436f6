"""Standard input and output in place of a connection: one peer, as behind sshd or inetd.

    chat connect HOST --proxy-command 'ssh HOST chat serve --stdio'

The descriptors are moved away first, so that nothing else reads or writes there: standard input becomes empty, and what is
printed goes to standard error. Two threads copy between them and a pair of sockets, since they may be pipes, files or terminals.
"""

import asyncio
import contextlib
import os
import socket
import sys
import threading

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.core.io.descriptors import write_all
from plytalk.core.io.queue_listener import QueueListener
from plytalk.core.registry.hookspecs import hookimpl

PIECE = 64 * 1024
INPUT, OUTPUT, ERROR = 0, 1, 2


class Stdio(Transport):
    """Standard input and output: one peer, as behind sshd (only to serve)."""

    name = "stdio"
    names_place = True
    only_place = "standard input and output"
    caution = "what runs the program, such as sshd, sees addresses, times and sizes, and can cut."

    async def listen(self, host: str, port: int) -> Listener:
        source, sink = moved_away()
        ours, theirs = socket.socketpair()
        stream = AsyncioStream(name=caller())
        ours.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: stream, sock=ours)
        threading.Thread(target=copy_in, args=(source, theirs), daemon=True).start()
        threading.Thread(target=copy_out, args=(theirs, sink)).start()  # the program waits for what is still on its way out
        listener = QueueListener(self.only_place)
        listener.arrive(stream)
        return listener

    async def connect(self, host: str, port: int) -> Stream:
        raise CannotConnect("Nobody can connect by the transport `stdio`.", "`--proxy-command` runs what serves there.")


def moved_away() -> tuple[int, int]:
    """Descriptors of what standard input and output were."""
    source, sink = os.dup(INPUT), os.dup(OUTPUT)
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, INPUT)
    os.close(null)
    os.dup2(ERROR, OUTPUT)
    return source, sink


def caller() -> str:
    """Where the peer is, as sshd says it (ssh(1), SSH_CONNECTION); a program of this machine otherwise."""
    host, *rest = os.environ.get("SSH_CONNECTION", "").split() or [""]
    return f"[{host}]:{rest[0]}" if ":" in host and rest else f"{host}:{rest[0]}" if rest else "a local program"


def copy_in(source: int, theirs: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(source, PIECE):
            theirs.sendall(data)
    with contextlib.suppress(OSError):
        theirs.shutdown(socket.SHUT_WR)


def copy_out(theirs: socket.socket, sink: int) -> None:
    with contextlib.suppress(OSError):
        while data := theirs.recv(PIECE):
            write_all(sink, data)
    os.close(sink)


@hookimpl
def layers() -> list[type[Stdio]]:
    return [Stdio]
