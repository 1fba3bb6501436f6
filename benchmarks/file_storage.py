"""`python -m benchmarks.file_storage`: what hashing, reading, checking and writing a file costs, without a network between.

Processor time of one process that is both ends, in seconds for a GiB, the best of some rounds: hash functions over chunks of
several sizes, and then a whole transfer, source to folder, with each hash function that is installed.
"""

import argparse
import hashlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from plytalk.plugins.files.file_limits import BLOCK, CHUNK
from plytalk.plugins.files.hash_tree import KNOWN
from plytalk.plugins.files.partial import Partial
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.source import hash_source, make_offer, open_source

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZES = (64 * KIB, 256 * KIB, MIB)


def functions() -> dict[str, Callable[[bytearray], object]]:
    """Hash functions by their names: those that were considered."""
    found: dict[str, Callable[[bytearray], object]] = {"sha256": hashlib.sha256, "blake2b": hashlib.blake2b}
    if "blake3" in KNOWN:
        from blake3 import blake3

        found["blake3"] = blake3
    return found


def hashing(size: int, total: int) -> dict[str, float]:
    """Seconds for a GiB in chunks of `size` bytes, by hash function."""
    chunk = bytearray(os.urandom(size))
    taken = {}
    for name, function in functions().items():
        begin = time.process_time()
        for _ in range(max(1, total // size)):
            function(chunk).digest()  # type: ignore[attr-defined]
        taken[name] = (time.process_time() - begin) * GIB / max(size, total)
    return taken


def transfer(path: Path, folder: Path, algorithm: str) -> tuple[float, float]:
    """Seconds for hashing what is sent, and for reading, checking and writing it."""
    begin = time.process_time()
    source = open_source(path, print)
    tree = hash_source(source, algorithm)
    offer = make_offer(source, tree)
    hashed = time.process_time()
    into = SafeFolder.at(folder)
    partial = Partial.open(into, offer)
    buffer = memoryview(bytearray(CHUNK))
    while partial.received < offer.most:
        if partial.received % (BLOCK * CHUNK) == 0:
            partial.proof(partial.received // (BLOCK * CHUNK), tree.proof(partial.received // (BLOCK * CHUNK)))
        partial.write(buffer[: source.read_into(buffer, partial.received)])
    (folder / partial.finish()).unlink()
    for one in (source, tree, into):
        one.close()
    return hashed - begin, time.process_time() - hashed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.file_storage", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="the size of the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--folder", help="where the files are made (default: that for temporary files)")
    given = parser.parse_args()
    for size in SIZES:
        rounds = [hashing(size, given.mib * MIB // 4) for _ in range(given.rounds)]
        best = {name: min(one[name] for one in rounds) for name in rounds[0]}
        print(f"chunks of {size // KIB} KiB:", *(f"{name} {seconds:.3f}" for name, seconds in best.items()))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder, "sent")
        with path.open("wb") as file:
            for _ in range(given.mib):
                file.write(os.urandom(MIB))
        for algorithm in KNOWN:
            tries = [transfer(path, Path(folder), algorithm) for _ in range(given.rounds)]
            hashed, moved = (seconds * 1024 / given.mib for seconds in min(tries, key=sum))
            print(f"{algorithm}: {hashed + moved:.3f} in all: sender's hash {hashed:.3f}, read, check and write {moved:.3f}")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


if __name__ == "__main__":
    main()
