"""The attacks on resources, against a real server: each gives a row with what was measured and whether that is enough."""

import asyncio
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic, process_time

from plytalk.core.registry.registry import Registry
from tests.system.resources.faulty import STEPS
from tests.system.resources.server import LOOPBACK, ROOT, Asking, Honest, Server, serving

MIB = 1024 * 1024
HEADERS = {"secure-chat": b"M" + b"\xff" * 4, "demo02": b"\xff" * 4, "plytalk1": b"\xff" * 2}


@dataclass(frozen=True)
class Row:
    """One measurement: the attack's id, what was done, what was measured, what is demanded, and whether that is so.

    `held` is about facts, which are the same on every machine; `quick` about times.
    """

    id: str
    done: str
    measured: str
    wanted: str
    held: bool
    quick: bool = True

    @property
    def reached(self) -> bool:
        return self.held and self.quick


@dataclass(frozen=True)
class Amount:
    """How much is done."""

    oversize: int = 1000
    slow: int = 2000
    flood: int = 20_000
    honest: int = 40
    stalled: int = 200 * MIB
    seconds: float = 30.0
    members: int = 10_000
    a_room: int = 125
    period: float = 10.0
    slow_in_rooms: int = 10_000
    silent_at_relay: int = 10_000
    silent_at_door: int = 2000
    noise: float = 10.0
    texts: int = 2000
    pairs: int = 200
    joins: int = 2000
    replays: int = 100
    insider: float = 10.0
    beside_insider: int = 20
    conversations: int = 40_000


SHORT = Amount(
    oversize=60,
    slow=100,
    flood=1000,
    honest=5,
    stalled=8 * MIB,
    seconds=10.0,
    members=300,
    a_room=30,
    period=2.0,
    slow_in_rooms=300,
    silent_at_relay=1000,
    silent_at_door=300,
    texts=90,
    pairs=40,
    joins=40,
    replays=10,
    insider=2.0,
    conversations=2000,
)


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * 99 // 100)]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def oversize(amount: Amount) -> Iterator[Row]:
    """A40: connections that announce as much as a header can say."""
    for profile, header in HEADERS.items():
        with serving("--profile", profile) as server:
            refused(server.port, header, 30)  # what is allocated once is not counted
            before = server.memory
            ended = refused(server.port, header, amount.oversize)
            grown = server.memory - before
            asyncio.run(Honest(server.port, profile).conversation())
            yield Row(
                "A40",
                f"{amount.oversize:,} connections to {profile} announce a frame of {int.from_bytes(header[-4:], 'big'):,} bytes",
                f"{ended:,} refused at the header; memory grew by {grown / 1024:,.0f} KiB",
                "all refused; at most 1 MiB",
                ended == amount.oversize and grown <= MIB,
            )


def refused(port: int, header: bytes, count: int) -> int:
    """How many of these connections the server ended by itself within two seconds, less than it waits for silent peers."""
    ended = 0
    for _ in range(count):
        with socket.create_connection((LOOPBACK, port), 5) as sock:
            sock.settimeout(2)
            sock.sendall(header)
            try:
                while sock.recv(65536):
                    pass
                ended += 1
            except ConnectionError:
                ended += 1
            except TimeoutError:
                pass
    return ended


def crowd(kind: str, server: Server, count: int, addresses: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "tests.system.resources.crowd", kind, str(server.port), str(count), str(addresses)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT)


async def beside(attacker: "subprocess.Popen[bytes]", honest: Honest, seconds: float) -> list[float]:
    """The durations of honest conversations while the attacker is at work, a little pause between them."""
    taken: list[float] = []
    end = monotonic() + seconds
    while monotonic() < end and attacker.poll() is None:
        taken.append(await honest.conversation())
        await asyncio.sleep(0.05)
    return taken


def said(attacker: "subprocess.Popen[bytes]") -> dict[str, float]:
    told, _ = attacker.communicate(timeout=60)
    return dict(json.loads(told))


def slow(amount: Amount) -> Iterator[Row]:
    """A41: slow senders."""
    for addresses, name in ((1, "one address"), (200, "200 addresses"), (0, "the honest peer's own address")):
        with serving() as server:
            honest = Honest(server.port)
            alone = [asyncio.run(honest.conversation()) for _ in range(5)]
            attacker = crowd("slow", server, amount.slow, addresses)
            taken = asyncio.run(beside(attacker, honest, amount.seconds))
            figures = said(attacker)
        yield Row(
            "A41",
            f"{figures['opened']:,.0f} senders of 1 byte a second, from {name}",
            f"p99 of {len(taken)} honest conversations {ms(p99(taken))} (alone {ms(p99(alone))}); "
            f"{figures['left']:.0f} left, the last one dropped after {figures['longest']:.1f} s",
            "p99 at most 250 ms; all dropped within 11 s",
            not figures["left"],
            p99(taken) <= 0.25 and figures["longest"] <= 11,
        )


def flood(amount: Amount) -> Iterator[Row]:
    """A42: floods of connections."""
    for addresses, name in ((1, "one address"), (200, "200 addresses"), (0, "the honest peer's own address")):
        with serving() as server:
            honest = Honest(server.port)
            asyncio.run(honest.conversation())
            before = server.memory
            attacker = crowd("flood", server, amount.flood, addresses)
            taken = asyncio.run(beside(attacker, honest, amount.seconds))
            figures = said(attacker)
            after = asyncio.run(honest.conversation())
            grown = server.memory - before
            lives = server.lives
        during = f"{len(taken)} honest conversations during it, p99 {ms(p99(taken))}" if taken else "over before one conversation"
        yield Row(
            "A42",
            f"{figures['opened']:,.0f} connects in {figures['seconds']:.1f} s from {name}",
            f"{during}, {honest.turned_away} tries in vain; afterwards {ms(after)}; memory grew by {grown / MIB:.1f} MiB",
            "honest peers get in during it and afterwards; the server lives",
            lives and bool(taken),
        )


def stalled(amount: Amount) -> Iterator[Row]:
    """A43: a reader that never reads, alone with the person at the server."""
    with serving("--profile", "secure-chat") as server:
        yield asyncio.run(_stalled(server, amount))


async def _stalled(server: Server, amount: Amount) -> Row:
    honest = Honest(server.port, "secure-chat")
    await honest.conversation()
    alone = [await honest.handshake() for _ in range(amount.honest)]
    session = await honest.opened()
    session.stream.pause()  # and never resumes
    before = server.memory
    taken = await asyncio.to_thread(typed, server, amount.stalled)
    grown = server.memory - before
    beside = [await honest.handshake() for _ in range(amount.honest)]
    session.stream.close()
    await honest.conversation()
    return Row(
        "A43",
        f"A peer that never reads, while {amount.stalled / MIB:,.0f} MiB wait to be said to it",
        f"{taken / MIB:.1f} MiB were taken from the input; memory grew by {grown / 1024:,.0f} KiB; p99 of others' handshakes "
        f"{ms(p99(beside))} (before {ms(p99(alone))})",
        "memory at most 1 MiB; others at most doubled",
        grown <= MIB,
        p99(beside) <= 2 * p99(alone) + 0.005,
    )


def typed(server: Server, most: int) -> int:
    """Type lines until the server takes no more for two seconds; how many bytes it took."""
    line = json.dumps({"type": "message", "text": "x" * 1000}).encode() + b"\n"
    data, taken = memoryview(line * 64), 0
    assert server.process.stdin is not None
    pipe = server.process.stdin.fileno()
    os.set_blocking(pipe, False)
    while taken < most and select.select([], [pipe], [], 2)[1]:
        with contextlib.suppress(BlockingIOError):
            at = taken % len(data)
            taken += os.write(pipe, data[at:])
    return taken


def byte_by_byte(amount: Amount) -> Iterator[Row]:
    """A45: frames one byte at a time."""
    registry = Registry()
    for name in ("u16", "typed", "length"):
        framer = registry.layer("framer", name)

        def fed(size: int, piece: int, framer: type = framer) -> float:
            made = framer()
            made.limit = size
            data = made.encode(b"M", bytes(size - 8))
            begun = process_time()
            for at in range(0, len(data), piece):
                made.feed(data[at : at + piece])
                came = list(made.frames())
            assert len(came) == 1
            return process_time() - begun

        small, large, whole = (min(fed(*how) for _ in range(5)) for how in ((32768, 1), (65536 - 8, 1), (65536 - 8, 65536)))
        yield Row(
            "A45",
            f"A frame of 64 KiB byte by byte through the framer {name}",
            f"{ms(large)}, {large / 65536 * 1e9:,.0f} ns a byte; {large / small:.2f} times as long as 32 KiB; in one piece "
            f"{whole * 1e6:,.0f} us",
            "twice the bytes, at most 2.5 times the time: each byte costs the same",
            True,
            large / small <= 2.5,
        )


def exceptions(amount: Amount) -> Iterator[Row]:
    """A46: an exception inside each layer, at each of its steps."""
    with serving(program=("-m", "tests.system.resources.faulty")) as server:
        honest = Honest(server.port)
        lives: list[str] = []
        raised: set[str] = set()
        for number, (owner, name) in enumerate(STEPS):
            (server.home / "fault").write_text(str(number))
            server.type("to anyone who comes")
            with contextlib.suppress(Exception):
                asyncio.run(Honest(server.port, ui=Asking).once())
            try:
                asyncio.run(honest.conversation())
            except TimeoutError:
                break
            if server.lives:
                lives.append(f"{owner.__name__}.{name}")
            raised |= {line for line in server.told if line.startswith("planted ")}
        told = f"{len(raised)} of {len(STEPS)} raised; the server lived and talked to the next one after {len(lives)}"
        if len(lives) < len(STEPS):
            told += f", not after {STEPS[len(lives)][0].__name__}.{STEPS[len(lives)][1]}"
        missed = [f"{STEPS[n][0].__name__}.{STEPS[n][1]}" for n in range(len(STEPS)) if f"planted {n}" not in raised]
        told += f" (never called in such a conversation: {', '.join(missed)})" if missed and len(lives) == len(STEPS) else ""
        yield Row(
            "A46",
            f"An exception at each of {len(STEPS)} steps of the layers, in one conversation each",
            told,
            "the server lives, and talks to the next one",
            len(lives) == len(STEPS),
        )


ATTACKS = (oversize, slow, flood, stalled, byte_by_byte, exceptions)
