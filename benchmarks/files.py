"""`python -m benchmarks.files`: files over loopback, beside `socat` with TLS, and beside magic-wormhole where it is installed.

Sender and receiver are two processes. plytalk's are a server's user and a client, as `chat serve` and `chat connect` make them;
the time is from the moment when the receiver accepts until its file is whole, checked and named. socat's are `OPENSSL` and
`OPENSSL-LISTEN` with blocks of 64 KiB; its time is from the start of the sender until both have ended. Both take turns. Processor
time is that of both ends, by `getrusage`. How magic-wormhole is measured is in `wormhole.py`.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import plytalk
from benchmarks import wormhole
from plytalk import File, Joined, Message

MIB = 1 << 20
CROWD = 20
"""How many receivers there are where there are several."""
WORDS_EVERY = 0.02
"""How often a line is said beside a file, in seconds."""


# -- one end of plytalk, as a process -------------------------------------------------------------------------------------


def used() -> dict[str, float]:
    """The processor time of this process in seconds, the most memory it has had in MiB, and what it has read of files in MiB."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    read = int(Path("/proc/self/io").read_text().split()[1])
    return {"cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024, "read": read / MIB}


async def send(folder: Path, path: str, count: int) -> None:
    """Offer a file when this many have come, until all have it, and say lines meanwhile, with the time in them."""
    async with plytalk.serve("127.0.0.1:0", home=folder / "sender", keep=False) as server:
        print(server.address, server.fingerprint, flush=True)
        before, here, have, chatter = used(), 0, 0, None
        async for event in server:
            here += isinstance(event, Joined)
            if isinstance(event, Joined) and here == count:
                offered = asyncio.create_task(server.command("send", path))
            elif isinstance(event, File) and event.state == "offered" and chatter is None:  # not yet that it is offered again
                before = used()
            elif isinstance(event, File) and event.state == "sending" and chatter is None:
                chatter = asyncio.create_task(say(server))
            have += isinstance(event, File) and event.state == "done"
            if have == count:
                break
        if chatter:
            chatter.cancel()
        await offered
        print(json.dumps({"before": before, "after": used()}), flush=True)


async def say(server: Any) -> None:
    while True:
        await server.send(f"{time.monotonic()}")
        await asyncio.sleep(WORDS_EVERY)


async def receive(folder: Path, address: str, key: str, count: int) -> None:
    """This many receivers, in one process; the figures are those of the first and of the process."""
    print(
        json.dumps((await asyncio.gather(*(receive_one(folder, address, key, number) for number in range(count))))[0]), flush=True
    )


async def receive_one(folder: Path, address: str, key: str, number: int) -> dict[str, Any]:
    """Accept what is offered."""
    late: list[float] = []
    into = folder / "into" / f"{number}"
    into.mkdir(parents=True, exist_ok=True)
    async with plytalk.connect(address, peer=key, home=folder / f"receiver{number}", into=into) as chat:
        async for event in chat:
            if isinstance(event, File) and event.state == "offered":
                before, began = used(), time.monotonic()
                await chat.command("accept")
            elif isinstance(event, Message):
                late.append(time.monotonic() - float(event.text))
            elif isinstance(event, File) and event.state == "done":
                break
        took = time.monotonic() - began
        return {"before": before, "after": used(), "seconds": took, "late": sorted(late)}


# -- measurements ---------------------------------------------------------------------------------------------------------


def child(*words: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-m", "benchmarks.files", *map(str, words)], stdout=subprocess.PIPE, text=True)


def plytalk_once(folder: Path, path: Path, count: int = 1) -> dict[str, Any]:
    """One transfer, to so many: seconds, processor time of both ends, the memory that each grew by, and how late lines came."""
    shutil.rmtree(folder / "into", ignore_errors=True)
    sender = child("--send", folder, path, count)
    assert sender.stdout
    address, key = sender.stdout.readline().split()
    receiver = child("--receive", folder, address, key, count)
    got = json.loads(receiver.communicate()[0].splitlines()[-1])
    sent = json.loads(sender.communicate()[0].splitlines()[-1])
    late = got["late"]
    return {
        "seconds": got["seconds"],
        "cpu": sum(one["after"]["cpu"] - one["before"]["cpu"] for one in (got, sent)),
        "memory": max(one["after"]["memory"] - one["before"]["memory"] for one in (got, sent)),
        "p99": late[int(len(late) * 0.99)] * 1000 if late else 0.0,
        **{f"sender {name}": sent["after"][name] - sent["before"][name] for name in sent["after"]},
    }


def certificate(folder: Path) -> Path:
    """A certificate with its key, made by openssl."""
    file = folder / "both.pem"
    key, made = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", made], check=True, capture_output=True)
    file.write_bytes(key.read_bytes() + made.read_bytes())
    return file


def socat_once(folder: Path, source: str, sink: str, port: int) -> dict[str, Any]:
    """One transfer by socat, of what the shell command `source` writes to what `sink` reads."""
    pem = folder / "both.pem"
    listen = f"socat -b 65536 -u OPENSSL-LISTEN:{port},cert={pem},verify=0,reuseaddr - {sink}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    receiver = subprocess.Popen(["sh", "-c", listen], cwd=folder)
    wait_for(port)
    began = time.monotonic()
    sender = subprocess.Popen(["sh", "-c", f"{source} socat -b 65536 -u - OPENSSL:127.0.0.1:{port},verify=0"], cwd=folder)
    sender.wait()
    receiver.wait()
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": took, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def wait_for(port: int) -> None:
    """Wait until something listens at a port, without connecting to it."""
    wanted = f":{port:04X} "
    while not any(wanted in line and " 0A " in line for line in Path("/proc/net/tcp").read_text().splitlines()):
        time.sleep(0.01)


def median(values: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(one[name] for one in values))


def measure(rounds: int, mebibytes: int, folder: Path) -> dict[str, float]:
    """All figures, of this many rounds in which each has a turn."""
    certificate(folder)
    big = folder / "big"
    with big.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))
    part = folder / "part"
    part.write_bytes(os.urandom(mebibytes * MIB // 16))
    many = folder / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"{number}").write_bytes(os.urandom(1024))
    ways: dict[str, Callable[[int], dict[str, Any]]] = {
        "one": lambda port: plytalk_once(folder, big),
        "socat": lambda port: socat_once(folder, f"exec < {big};", f"> {folder}/copy", port),
        "many": lambda port: plytalk_once(folder, many),
        "crowd": lambda port: plytalk_once(folder, part, CROWD),
        "part": lambda port: plytalk_once(folder, part),
        "tar": lambda port: socat_once(folder, f"tar c -C {folder} many |", f"| tar x -C {unpacked(folder)}", port),
    }
    runs: dict[str, list[dict[str, Any]]] = {}
    port = 20_000 + os.getpid() % 10_000
    with ExitStack() as servers:
        if wormhole.is_installed():
            once = servers.enter_context(wormhole.mailbox(folder, port - 2, wait_for))
            ways["wormhole"] = lambda port: once(big)
        for _ in range(rounds):
            for name, way in ways.items():
                port += 1
                os.sync()  # what one has written must not slow down the next
                runs.setdefault(name, []).append(way(port))
    return figures(runs, mebibytes)


def figures(runs: dict[str, list[dict[str, Any]]], mebibytes: int) -> dict[str, float]:
    """The medians of the rounds, and how they compare."""
    gib = mebibytes / 1024
    more: dict[str, float] = {}
    if "wormhole" in runs:
        more = {
            "wormhole MiB/s": mebibytes / median(runs["wormhole"], "seconds"),
            "times wormhole": median(runs["wormhole"], "seconds") / median(runs["one"], "seconds"),
            "wormhole CPU s per GiB": median(runs["wormhole"], "cpu") / gib,
        }
    return {
        **more,
        "MiB/s": mebibytes / median(runs["one"], "seconds"),
        "socat MiB/s": mebibytes / median(runs["socat"], "seconds"),
        "times socat": median(runs["socat"], "seconds") / median(runs["one"], "seconds"),
        "CPU s per GiB": median(runs["one"], "cpu") / gib,
        "socat CPU s per GiB": median(runs["socat"], "cpu") / gib,
        "memory MiB": median(runs["one"], "memory"),
        "chat p99 ms": median(runs["one"], "p99"),
        "10,000 files s": median(runs["many"], "seconds"),
        "tar | socat s": median(runs["tar"], "seconds"),
        "to 20: server CPU, times": median(runs["crowd"], "sender cpu") / median(runs["part"], "sender cpu"),
        "to 20: MiB a receiver": median(runs["crowd"], "sender memory") / CROWD,
        "to 20: times read": median(runs["crowd"], "sender read") / (mebibytes / 16),
        "times tar | socat": median(runs["tar"], "seconds") / median(runs["many"], "seconds"),
    }


def unpacked(folder: Path) -> Path:
    made = folder / "unpacked"
    made.mkdir(exist_ok=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.files", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--mebibytes", type=int, default=1024, help="how long the file is (%(default)s)")
    parser.add_argument("--folder", help="where the files are: a disk, or memory (/dev/shm)")
    parser.add_argument("--send", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--receive", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        asyncio.run(send(Path(given.send[0]), given.send[1], int(given.send[2])))
    elif given.receive:
        asyncio.run(receive(Path(given.receive[0]), given.receive[1], given.receive[2], int(given.receive[3])))
    else:
        if not wormhole.is_installed():
            print(f"magic-wormhole is not measured: pip install {wormhole.PACKAGES}")
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            for name, value in measure(given.rounds, given.mebibytes, Path(folder)).items():
                print(f"{name:24} {value:10.2f}")


if __name__ == "__main__":
    main()
