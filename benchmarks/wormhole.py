"""magic-wormhole over loopback, with its mailbox server on this machine: a peer of `benchmarks.files`, where it is installed.

Its two ends find each other directly. What one byte takes, which is to start both and to agree on a key, is taken off.
"""

import itertools
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = "magic-wormhole magic-wormhole-mailbox-server"
"""What has to be installed, by pip."""
PROGRAMS = ("wormhole", "twist")
"""What is in the PATH then."""
Once = Callable[[Path], dict[str, float]]


def is_installed() -> bool:
    """Whether it can be measured."""
    return all(map(shutil.which, PROGRAMS))


@contextmanager
def mailbox(folder: Path, port: int, wait_for: Callable[[int], None]) -> Iterator[Once]:
    """A mailbox server at this port; gives what sends a file and has it received."""
    words = ["twist", "wormhole-mailbox", "--port", f"tcp:{port}:interface=127.0.0.1"]
    server = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    codes = itertools.count(1)
    try:
        wait_for(port)
        yield lambda path: without_start(path, folder, port, codes)
    finally:
        server.terminate()
        server.wait()


def without_start(path: Path, folder: Path, port: int, codes: Iterator[int]) -> dict[str, float]:
    """Seconds and processor seconds of both ends for a file, less those for one byte."""
    (byte := folder / "byte").write_bytes(b"x")
    least, whole = (once(one, folder, port, next(codes)) for one in (byte, path))
    return {name: whole[name] - least[name] for name in whole}


def once(path: Path, folder: Path, port: int, number: int) -> dict[str, float]:
    """One transfer. Raises ChildProcessError where an end fails."""
    common = ["wormhole", "--relay-url", f"ws://127.0.0.1:{port}/v1", "--transit-helper", f"tcp:127.0.0.1:{port + 1}"]
    code, target = f"{number}-orbit-velvet", folder / "from-wormhole"
    target.unlink(missing_ok=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    send = [*common, "send", "--hide-progress", "--no-qr", "--code", code, str(path)]
    receive = [*common, "receive", "--hide-progress", "--accept-file", "-o", str(target), code]
    sender = subprocess.Popen(send, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    received = subprocess.run(receive, capture_output=True, text=True)
    if sender.wait() or received.returncode:
        raise ChildProcessError(f"wormhole sent nothing: {received.stderr}")
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": took, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}
