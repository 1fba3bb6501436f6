"""Silent clients: crowds that connect and say nothing, at a relay and at each door of a server, beside honest clients."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from tests.support.certificates import Authority
from tests.system.resources.attacks import Amount, Row, ms, p99
from tests.system.resources.server import LOOPBACK, ROOT, Brief, serving

ADDRESSES = 200
"""From how many addresses of this machine the silent ones come."""
DOORS = ("tcp", "unix", "ws", "tls", "relay")
ALONE, BESIDE = 5, 14
"""How many honest clients come before a crowd, and beside it: a relay takes 20 joins a minute from an address."""
IN_TIME = 0.25
"""Seconds after which an honest client should be in."""


@dataclass(frozen=True)
class Door:
    """A door of a server: where its members go, and where silent clients go (a port, or the path of a socket)."""

    transport: str
    place: tuple[str, int]
    crowd: str
    options: dict[str, Any]


class SilentCrowd:
    """A crowd in its own process, which is there once this is made: the next one comes after it."""

    def __init__(self, place: str, count: int) -> None:
        words = [sys.executable, "-m", "tests.system.resources.crowd", "silent", place, str(count), str(ADDRESSES)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "there\n", "the silent ones did not all get a connection"

    def leaves(self) -> dict[str, int]:
        """Let it go: how many it had opened, and how many of those the other side had ended."""
        told, _ = self._process.communicate(timeout=60)
        return dict(json.loads(told))


@contextmanager
def relaying() -> Iterator[int]:
    """`chat relay` in its own process: its port."""
    words = [sys.executable, "-m", "plytalk", "relay", "--listen", f"{LOOPBACK}:0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            told = re.search(r":(\d+)\. ", line)
            assert told, line
            yield int(told[1])
        finally:
            process.kill()


@contextmanager
def open_doors(transports: Sequence[str] = DOORS) -> Iterator[list[Door]]:
    """A server in its own process behind these doors, and a relay where one of them is at a relay."""
    with ExitStack() as around:
        folder = Path(around.enter_context(TemporaryDirectory()))
        authority = Authority(folder)
        cert, key = authority.signs("server")
        relay = around.enter_context(relaying()) if "relay" in transports else 0
        places = {"unix": f"unix:{folder}/socket", "relay": f"relay:{LOOPBACK}:{relay}"}
        words = [word for one in transports if one != "tcp" for word in ("--door", places.get(one, f"{one}:{LOOPBACK}:0"))]
        files = ["--tls-cert", str(cert), "--tls-key", str(key)] if "tls" in transports else []
        lines: Queue[str] = Queue()
        around.enter_context(serving(*words, *files, heard=lines.put))
        found: dict[str, str] = {}
        while len(found) < len(transports):
            found.update(listening(lines.get(timeout=30)))
        yield [door(one, found[one], relay, {"tls_ca": authority.file} if one == "tls" else {}) for one in transports]


def listening(line: str) -> dict[str, str]:
    """The transport and the address of a line that says where the server listens; nothing of any other."""
    event = json.loads(line) if line.startswith("{") else {}
    return {event["data"]["transport"]: event["data"]["address"]} if event.get("code") == "listening" else {}


def door(transport: str, address: str, relay: int, options: dict[str, Any]) -> Door:
    if transport in ("unix", "relay"):
        return Door(transport, (address, 0), address if transport == "unix" else str(relay), options)
    port = address.rpartition(":")[2]
    return Door(transport, (LOOPBACK, int(port)), port, options)


async def joined(at: Door) -> float:
    """Seconds for an honest client's connection and handshake."""
    registry = Registry()
    layers = {**choose_named(registry.profile("plytalk1").layers, registry.layer), "auth": [], "ui": [Brief]}
    stack = Stack.build({**layers, "transport": [registry.layer("transport", at.transport)]}, at.options)
    await prepare(stack.handshake, Role.INITIATOR, lambda prompt: "")
    begun = perf_counter()
    async with asyncio.timeout(20):
        session = DirectChat(Connection(stack, await stack.transport.connect(*at.place), Role.INITIATOR))
        await session.open()
    taken = perf_counter() - begun
    session.exit()
    session.stream.close()
    return taken


def joins(at: Door, count: int) -> list[float]:
    return [asyncio.run(joined(at)) for _ in range(count)]


def silent(amount: Amount) -> Iterator[Row]:
    """A41: clients that connect and say nothing."""
    with open_doors(("tcp", "relay")) as (_, at_relay):
        yield beside(at_relay, amount.silent_at_relay, "a relay", "an honest client reaches a server through it")
    with open_doors() as doors:
        crowds = [SilentCrowd(door.crowd, amount.silent_at_door) for door in doors]
        taken = {door.transport: joins(door, BESIDE) for door in doors}
        told = [crowd.leaves() for crowd in crowds]
    ended = sum(one["ended"] for one in told)
    yield Row(
        "A41",
        f"{amount.silent_at_door:,} silent clients at each of five doors of a server ({', '.join(DOORS)})",
        f"p99 of honest handshakes {', '.join(f'{name} {ms(p99(one))}' for name, one in taken.items())}; "
        f"{ended:,} of the silent ones ended",
        "at most 250 ms at each",
        True,
        max(map(p99, taken.values())) <= IN_TIME,
    )


def beside(at: Door, count: int, where: str, what: str) -> Row:
    alone = joins(at, ALONE)
    crowd = SilentCrowd(at.crowd, count)
    taken = joins(at, BESIDE)
    told = crowd.leaves()
    return Row(
        "A41",
        f"{told['opened']:,} silent clients at {where}, while {what}",
        f"p99 of {len(taken)} handshakes {ms(p99(taken))} (alone {ms(p99(alone))}); {told['ended']:,} of the silent ones ended",
        "at most 250 ms",
        True,
        p99(taken) <= IN_TIME,
    )
