"""As many bytes as a file has through one conversation of plytalk/1, beside the same number through `socat` with OPENSSL.

Both go one way over TCP, from one process to another, each on its own core. Only the transfer is timed: socat writes down
when it begins and when its other end has all, so neither its start nor its handshake counts.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.ours import HOST
from benchmarks.pairs import APART, CORES
from benchmarks.records import suite
from plytalk.plugins.messages.records import MAX_BODY

OURS = suite("AESGCM")
SIZE = MAX_BODY
"""Characters of a message, or bytes of an item: as many as fill a record."""
KINDS = {"plytalk/1, messages": "", "plytalk/1, items of bytes": "bytes"}
SOCAT = {"socat": (), "socat -b 65536": ("-b", "65536")}
"""With its own block size, and with one of our size."""
MISSING = "" if shutil.which("socat") else "socat is left out; to have it: apt install socat"
CIPHER = "TLS_AES_256_GCM_SHA384"
TLS = "verify=0,openssl-min-proto-version=TLS1.3"
TIME = "%Y/%m/%d %H:%M:%S.%f"
TIME_LENGTH = len("2000/01/01 00:00:00.000000")


def socat(certificate: Path, size: int, *options: str, into: str = "/dev/null") -> list[float]:
    """Seconds that `size` bytes took. Raises RuntimeError where they do not arrive, or not by TLS 1.3 with AES-256-GCM."""
    listen = f"OPENSSL-LISTEN:0,bind={HOST},cert={certificate},{TLS}"
    with started(APART[1:], *options, listen, f"OPEN:{into},wronly") as receiver:
        assert receiver.stderr
        port = receiver.stderr.readline().rpartition(":")[2].strip()
        source = f"OPEN:/dev/zero,rdonly,readbytes={size}"
        with started(APART[:1], *options, source, f"OPENSSL:{HOST}:{port},{TLS}") as sender:
            begun = moment(sender, "starting data transfer loop")
            return [moment(receiver, "is at EOF") - begun]


@contextmanager
def started(cores: list[int], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A socat that carries one way and tells on standard error what it does, with the time to the microsecond."""
    with subprocess.Popen(["socat", "-d", "-d", "-lu", "-u", *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            if CORES:
                os.sched_setaffinity(process.pid, cores)
            yield process
        finally:
            process.kill()


def moment(process: subprocess.Popen[str], what: str) -> float:
    """When it told this, in seconds, read when it has ended."""
    assert process.stderr
    told = process.stderr.read()
    when = [line[:TIME_LENGTH] for line in told.splitlines() if what in line]
    if process.wait() or CIPHER not in told or not when:
        raise RuntimeError(f"socat ended with {process.returncode}, and this is what it told:\n{told}")
    return datetime.strptime(when[0], TIME).timestamp()
