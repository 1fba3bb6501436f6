"""Files between programs that are killed, and what is written about files beside them."""

import json
import os
import random
import signal
import socket
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


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_either_side_may_be_killed_and_only_the_rest_is_sent(tmp_path: Path) -> None:
    """The other one waits: a receiver tries again, and a sender lets the one come back that has given the code."""
    film, chance, port = written(tmp_path / "film.mkv", SIZE), random.Random(5), str(free_port())
    folder = tmp_path / "bob" / "here"

    def send() -> "subprocess.Popen[bytes]":
        return started(tmp_path / "ann", "send", str(film), "--port", port)

    def receive() -> "subprocess.Popen[bytes]":
        return started(tmp_path / "bob", "receive", f"127.0.0.1:{port}", "--yes", typed=f"{code}\n".encode())

    sender = send()
    line(sender)
    code = line(sender)
    receiver = receive()
    for victim in ("receiver", "sender", "receiver"):
        before = kept(folder)
        assert goes_on_at(receiver) >= before - WINDOW
        more = before + chance.randrange(1_000_000, 12_000_000)
        while kept(folder) < more and receiver.poll() is None:
            time.sleep(0.001)
        if victim == "receiver":
            end(receiver)
            receiver = receive()
        else:
            end(sender)
            sender = send()
        assert not (folder / "film.mkv").exists()
    with sender, receiver:
        for process in (receiver, sender):
            assert process.stdout
            process.stdout.read()
            assert process.wait(180) == 0
    (arrived,) = folder.iterdir()
    assert arrived.read_bytes() == film.read_bytes()
    assert not [*tmp_path.rglob("code-*")]  # nobody can come back any more


def goes_on_at(receiver: "subprocess.Popen[bytes]") -> int:
    """Wait until data comes. Return the number of bytes that were there before."""
    while (event := json.loads(line(receiver)))["state"] != "receiving":
        pass
    return int(event["done"])


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(180)
    assert process.stdout
    process.stdout.close()


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
            assert sender.wait(180) == 0
        os.kill(server.pid, signal.SIGTERM)
    assert (tmp_path / "server" / "here" / secret).read_bytes() == report.read_bytes()
    for file in (log, trace):
        assert file.stat().st_size
        assert secret.encode() not in file.read_bytes()
        assert report.read_bytes()[:32] not in file.read_bytes()
