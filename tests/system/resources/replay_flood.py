"""An attacker at full speed from one address: `python -m tests.system.resources.replay_flood ADDRESS PORT SECONDS HELD`.

Connects, sends a preamble and one constant message A, and leaves the handshake unfinished. For each connection that the server
ends it begins another, so HELD are open at any time. Prints one JSON object. Ends by itself.
"""

import json
import os
import selectors
import socket
import struct
import sys
from contextlib import suppress
from time import monotonic, process_time
from typing import cast

from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.preamble import Offer
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.suites import HYBRID


def frame(payload: bytes) -> bytes:
    return struct.pack(">H", len(payload)) + payload


def opening() -> bytes:
    """A preamble and a message A, the same for each connection."""
    handshake = HandshakeState(HYBRID[0], initiator=True, s=X25519.generate_keypair())
    return frame(Offer(HYBRID).encode()) + frame(handshake.write_message())


def flood(address: str, port: int, seconds: float, held: int) -> dict[str, float]:
    begun, words, number, answered = monotonic(), opening(), 0, 0
    watch = selectors.DefaultSelector()
    while monotonic() < begun + seconds:
        while len(watch.get_map()) < held:
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((address, 0))
            sock.connect_ex(("127.0.0.1", port))
            watch.register(sock, selectors.EVENT_WRITE)
            number += 1
        for key, ready in watch.select(0.1):
            sock = cast(socket.socket, key.fileobj)
            with suppress(BlockingIOError):
                try:
                    if ready & selectors.EVENT_WRITE:
                        sock.send(words)
                        watch.modify(sock, selectors.EVENT_READ)
                        continue
                    if data := sock.recv(4096):
                        answered += len(data) > 1000
                        continue
                except BlockingIOError:
                    raise
                except OSError:
                    pass
                watch.unregister(sock)
                sock.close()
    return {"opened": number, "answered": answered, "seconds": monotonic() - begun, "cpu": process_time()}


def give_way() -> None:
    """Leave the processors to the server and the newcomers, also where these were started with a real-time priority."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(19)


if __name__ == "__main__":
    give_way()
    print(json.dumps(flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
