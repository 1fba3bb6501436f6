"""Another process swaps folders for links while a folder is received, and while one is sent: nothing outside is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path
from select import select

from transferring import BytesSource, hostile_folder, read_chunk, receive

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.files.hash_tree import chunks_in
from plytalk.plugins.files.manifest import Entry
from plytalk.plugins.files.source import open_source

RACES = 1000

# Renames each entry of the tree below its first argument away, one after another, for a link to its second, and puts it back.
RACER = """
import os, sys, time
folder, outside, races = sys.argv[1], sys.argv[2], int(sys.argv[3])
swaps = 0
print("racing", flush=True)
while True:
    for above, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(above, name)
            try:
                os.rename(path, path + ".away")
                os.symlink(outside, path)
                swaps += 1
                time.sleep(0)
                os.unlink(path)
                os.rename(path + ".away", path)
            except OSError:
                pass
            if swaps == races:
                print("enough", flush=True)
"""


@contextmanager
def racing(folder: Path, outside: Path) -> Iterator[Iterator[int]]:
    """Swap for links what is in a folder; gives numbers until there were this many tries and this many swaps."""
    command = [sys.executable, "-c", RACER, str(folder), str(outside), str(RACES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as racer:
        assert racer.stdout
        assert racer.stdout.readline() == "racing\n"
        descriptor = racer.stdout.fileno()
        numbers = count()
        yield takewhile(lambda number: number < RACES or not select([descriptor], [], [], 0)[0], numbers)
        racer.kill()


def test_1000_races_for_what_is_received_write_nothing_outside(there: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_bytes(b"mine")
    (outside / "state").write_bytes(b"mine")
    before = outside.stat()
    entries = [Entry(0, "sub", 0o755, 0, None), Entry(1, "a", 0o644, 0, 4), Entry(1, "deep", 0o755, 0, None)]
    outcomes = set()
    with racing(there, outside) as numbers:
        for number in numbers:
            source = BytesSource(b"%d" % number, "file") if number % 2 else hostile_folder(entries, b"%04d" % (number % 10000))
            try:
                outcomes.add(receive(source, there))
            except ChatError as error:
                outcomes.add(type(error).__name__)
            if number % 10 == 0:
                subprocess.run(["rm", "-rf", *there.iterdir()], stderr=subprocess.DEVNULL, check=False)
    assert {name: (outside / name).read_bytes() for name in os.listdir(outside)} == {"data": b"mine", "state": b"mine"}
    assert (outside.stat().st_mtime_ns, outside.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    assert {"file", "hostile"} <= outcomes


def test_1000_races_for_what_is_sent_read_nothing_outside(here: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for secret in ("a", "b", "deep/b"):
        (outside / secret).write_text("SECRET")
    (here / "sub" / "deep").mkdir(parents=True)
    for name in ("a", "sub/a", "sub/deep/b", "z"):
        (here / name).write_text("public")
    read = 0
    with racing(here, outside) as numbers:
        for _ in numbers:
            try:
                source = open_source(here, lambda _: None)
            except ChatError:
                continue
            try:
                for index in range(chunks_in(source.size)):
                    assert b"SECRET" not in read_chunk(source, index)
                read += 1
            except ChatError:
                pass
            finally:
                source.close()
    assert read > 0
