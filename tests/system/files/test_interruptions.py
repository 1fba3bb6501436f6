"""Files between programs that are killed, and what is written about files beside them."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from offering import written
from people import environment
from programs import COMMAND

SIZE = 60_000_000
WINDOW = 1 << 20


def started(home: Path, *words: str, typed: bytes = b"") -> "subprocess.Popen[bytes]":
    """A program of somebody with a home, in whose folder `here` it runs."""
    (home / "here").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=home / "here",
        env=environment(home),
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(typed)
    process.stdin.close()
    return process


def line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


def kept(folder: Path) -> int:
    """How many bytes of an unfinished transfer are there."""
    return max((file.stat().st_size for file in folder.glob(".plytalk-*.part/data")), default=0)


def test_after_each_kill_only_the_rest_is_sent(tmp_path: Path) -> None:
    film, chance = written(tmp_path / "film.mkv", SIZE), random.Random(5)
    folder = tmp_path / "bob" / "here"
    for kill in ("receiver", "sender", "receiver", ""):
        before = kept(folder)
        with (
            started(tmp_path / "ann", "send", str(film), "--port", "0") as sender,
        ):
            address, code = line(sender).split()[-1], line(sender)
            with started(tmp_path / "bob", "receive", address, "--yes", typed=f"{code}\n".encode()) as receiver:
                assert receiver.stdout
                while (event := json.loads(line(receiver)))["state"] != "receiving":
                    pass
                assert event["done"] >= before - WINDOW
                victim = {"receiver": receiver, "sender": sender}.get(kill)
                if victim:
                    more = before + chance.randrange(1_000_000, 12_000_000)
                    while kept(folder) < more and receiver.poll() is None:
                        time.sleep(0.001)
                    victim.kill()
                    assert not (folder / "film.mkv").exists()
                    sender.kill()
                    receiver.wait(60)
                else:
                    receiver.stdout.read()
                    assert (receiver.wait(60), sender.wait(60)) == (0, 0)
        film = film.rename(tmp_path / f"{kill or 'last'}.mkv")
    (arrived,) = folder.iterdir()
    assert arrived.read_bytes() == film.read_bytes()


def test_no_name_of_a_file_is_written_anywhere(tmp_path: Path) -> None:
    secret = "ungewoehnlicher-name.pdf"
    report = written(tmp_path / secret, 100_000)
    log, trace = tmp_path / "log", tmp_path / "trace"
    words = ("serve", "--port", "0", "--ui", "jsonl", "--keep", "--yes", "--log-json", str(log), "--trace", str(trace))
    with started(tmp_path / "server", *words) as server:
        while (event := json.loads(line(server))).get("code") != "listening":
            pass
        with started(tmp_path / "ann", "send", str(report), "--to", event["data"]["address"], "--accept-new") as sender:
            assert sender.stdout
            sender.stdout.read()
            assert sender.wait(60) == 0
        os.kill(server.pid, signal.SIGTERM)
    assert (tmp_path / "server" / "here" / secret).read_bytes() == report.read_bytes()
    for file in (log, trace):
        assert file.stat().st_size
        assert secret.encode() not in file.read_bytes()
        assert report.read_bytes()[:32] not in file.read_bytes()
