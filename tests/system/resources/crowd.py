"""An attacker with many sockets, in its own process: `python -m tests.system.resources.crowd KIND PORT COUNT ADDRESSES`.

`silent` opens COUNT connections, 2,500 a second, and says nothing; it prints `there` once all stand, and keeps them until its
input ends. PORT may then be the path of a socket. `slow` opens COUNT connections, 1,000 a second, and sends a byte a second over
each until the server has ended all; `flood` connects COUNT times and breaks each connection off when a hundred newer ones are
there. They come from this many loopback ADDRESSES, or with 0 from where honest peers come. Prints one JSON object. Ends by
itself.
"""

import json
import resource
import selectors
import socket
import struct
import sys
from collections import deque
from contextlib import suppress
from itertools import cycle
from time import monotonic, sleep

FIRST_ADDRESS = 0x7F000101  # 127.0.1.1: not where honest peers come from
PATIENCE = 30.0  # seconds after which it ends in any case
A_SECOND, SLOTS = 1000, 20
"""How many slow senders come in a second, and in how many parts of it."""
SILENT_A_SECOND = 2500
AHEAD = 100
PRELUDE = b"\0\x40"  # the header of a first frame that would take 64 seconds to come


def source(number: int, addresses: int) -> str:
    return socket.inet_ntoa(struct.pack(">I", FIRST_ADDRESS + number % addresses))


def connection(number: int, port: int, addresses: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if addresses:  # otherwise from where honest peers come, too
        sock.bind((source(number, addresses), 0))
    sock.connect_ex(("127.0.0.1", port))
    return sock


def silent(port: str, count: int, addresses: int) -> dict[str, float]:
    begun, opened = monotonic(), list[socket.socket]()
    for number in range(count):
        sleep(max(0.0, begun + number / SILENT_A_SECOND - monotonic()))
        opened.append(met(number, port, addresses))
    print("there", flush=True)
    sys.stdin.read()
    return {"opened": len(opened), "ended": sum(map(over, opened))}


def met(number: int, port: str, addresses: int) -> socket.socket:
    """A connection that stands. Raises OSError."""
    if port.isdigit():
        sock = socket.create_connection(("127.0.0.1", int(port)), 10, (source(number, addresses), 0))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(port)
    sock.setblocking(False)
    return sock


def slow(port: int, count: int, addresses: int) -> dict[str, float]:
    begun = monotonic()
    opened: dict[socket.socket, float] = {}
    sent: dict[socket.socket, int] = {}
    lives: list[float] = []
    watch = selectors.DefaultSelector()
    slots: list[list[socket.socket]] = [[] for _ in range(SLOTS)]  # whose turn it is in the same part of each second
    for slot in cycle(slots):
        end = monotonic() + 1 / SLOTS
        for _ in range(min(A_SECOND // SLOTS, count - len(sent))):
            sock = connection(len(sent), port, addresses)
            opened[sock], sent[sock] = monotonic(), 0
            slot.append(sock)
            watch.register(sock, selectors.EVENT_READ)
        slot[:] = [sock for sock in slot if sock in opened]
        for sock in slot:
            with suppress(OSError):  # not connected yet, or ended: the selector tells
                sent[sock] += sock.send(PRELUDE[sent[sock] : sent[sock] + 1] or b"x")
        while (left := end - monotonic()) > 0:
            for key, _ in watch.select(left):
                if over(sock := key.fileobj):
                    lives.append(monotonic() - opened.pop(sock))
                    watch.unregister(sock)
                    sock.close()
        if monotonic() > begun + PATIENCE or (len(sent) == count and not opened):
            break
    return {"opened": len(sent), "left": len(opened), "longest": max(lives, default=0.0)}


def over(sock: socket.socket) -> bool:
    """Whether the other side has ended a connection that has something to read."""
    try:
        return not sock.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True


def flood(port: int, count: int, addresses: int) -> dict[str, float]:
    begun = monotonic()
    held: deque[socket.socket] = deque()
    number = 0
    while number < count and monotonic() < begun + PATIENCE:
        try:
            held.append(connection(number, port, addresses))
        except OSError:
            held.popleft().close()
            continue
        number += 1
        if len(held) > AHEAD:
            held.popleft().close()
    for sock in held:
        sock.close()
    return {"opened": number, "seconds": monotonic() - begun}


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kind, place, count, addresses = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5])
    if kind == "silent":
        done = silent(place, count, addresses)
    else:
        done = {"slow": slow, "flood": flood}[kind](int(place), count, addresses)
    print(json.dumps(done))
