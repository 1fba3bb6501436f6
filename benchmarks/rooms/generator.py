"""A room: a server, each member's connection, and what is measured of both. Each side has one core."""

import asyncio
import atexit
import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from benchmarks.handshakes import certificate
from benchmarks.pairs import CORES, ROOT, cpu_seconds
from benchmarks.rooms.ours import OURS, join_all
from benchmarks.rooms.peers import HOST, Peer, Place, Unable

SERVER_CORE, GENERATOR_CORE = ({CORES[0]}, {CORES[-1]}) if CORES else (set(), set())
PATIENCE = 60.0
HERTZ = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Joined:
    """What members cost: all of them together, seconds until they were in and server CPU seconds; bytes at rest."""

    members: int
    wall: float
    cpu: float
    bare: int
    full: int


@dataclass(frozen=True)
class Ran:
    """One round with a server. A delivery is one message at one member that did not send it."""

    deliveries: int
    seconds: float
    server: float
    """CPU seconds"""
    busy: float
    """The share of the time in which the load generator had something to do."""
    p50: float
    p99: float
    others: float
    """The share of the machine that everything else took meanwhile."""

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds

    @property
    def cost(self) -> float:
        """Server CPU seconds a delivery."""
        return self.server / self.deliveries


@cache
def receiver() -> Path:
    """The compiled load generator, created for each run of the benchmark."""
    if not (cc := shutil.which("cc")):
        raise Unable("There is no C compiler for the load generator: apt install gcc libssl-dev.")
    program = Path(tempfile.mkdtemp(prefix="rooms-"), "receiver")
    atexit.register(shutil.rmtree, program.parent)
    source = Path(__file__).with_name("receiver.c")
    made = subprocess.run([cc, "-O2", "-o", program, source, "-lssl", "-lcrypto"], capture_output=True, text=True)
    if made.returncode:
        raise Unable(f"The load generator did not compile (are OpenSSL's headers there? apt install libssl-dev):\n{made.stderr}")
    return program


def machine() -> tuple[float, float]:
    """Seconds that all cores were busy so far, and seconds in all (proc_stat(5))."""
    user, nice, system, idle, waiting, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    busy = user + nice + system + sum(interrupts)
    return busy / HERTZ, (busy + idle + waiting) / HERTZ


def resident(pid: int) -> int:
    """The process's resident memory, in bytes, as soon as it has nothing more to do."""
    before, at = -1.0, cpu_seconds(pid)
    while at - before > 0.001:
        time.sleep(0.1)
        before, at = at, cpu_seconds(pid)
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def free_ports() -> tuple[int, int]:
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


class Room:
    """A server with its members in. Made by `room`."""

    def __init__(self, peer: Peer, server: subprocess.Popen[bytes], load: subprocess.Popen[str], joined: Joined) -> None:
        self.peer, self.joined = peer, joined
        self.server, self._load = server, load

    def run(self, size: int, flight: int, seconds: float) -> Ran:
        """Messages of `size` bytes for some seconds, `flight` of them under way at any time. Raises Unable."""
        assert self._load.stdin
        (busy, there), before, load = machine(), cpu_seconds(self.server.pid), cpu_seconds(self._load.pid)
        self._load.stdin.write(f"run {size} {flight} {seconds}\n")
        self._load.stdin.flush()
        found = json.loads(said(self._load, self.peer))
        used, load = cpu_seconds(self.server.pid) - before, cpu_seconds(self._load.pid) - load
        busy, there = machine()[0] - busy, machine()[1] - there
        deliveries, others = found["messages"] * (self.joined.members - 1), max(0.0, busy - used - load) / max(there, 1 / HERTZ)
        return Ran(deliveries, found["seconds"], used, found["busy"], found["p50"], found["p99"], others)


def said(load: subprocess.Popen[str], peer: Peer) -> str:
    assert load.stdout
    if not (line := load.stdout.readline()):
        raise Unable(f"The load generator gave up on {peer.name} (it says why above).")
    return line


@contextlib.contextmanager
def room(peer: Peer, members: int) -> Iterator[Room]:
    """Start a server, let the members join, and end both whatever happens. Raises Unable."""
    if peer.missing:
        raise Unable(peer.missing)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rooms-")))
        port, spare = free_ports()
        log = stack.enter_context(open(folder / "log", "w+b"))
        command = peer.command(Place(folder, port, spare, members, certificate(str(folder))))
        environment = os.environ | {"HOME": str(folder), "PLYTALK_HOME": str(folder)}
        server = spawn(stack, SERVER_CORE, command, cwd=ROOT, env=environment, stdin=DEVNULL, stdout=log, stderr=log)
        wait_for(port, server, peer, folder / "log")
        bare, before = resident(server.pid), cpu_seconds(server.pid)
        give, take = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with give:
            with take:
                command = [str(receiver()), *arguments(peer, take.fileno() if peer is OURS else port, members)]
                load = spawn(stack, GENERATOR_CORE, command, stdin=PIPE, stdout=PIPE, text=True, pass_fds=[take.fileno()])
            wall = join(peer, port, members, load, give)
        cpu = cpu_seconds(server.pid) - before
        yield Room(peer, server, load, Joined(members, wall, cpu, bare, resident(server.pid)))


def spawn(stack: contextlib.ExitStack, cores: set[int], command: list[str], **how: Any) -> subprocess.Popen[Any]:
    """A process on these cores that ends with the stack."""
    process = subprocess.Popen(command, preexec_fn=partial(prepare, cores), **how)
    stack.callback(end, process)
    return process


def prepare(cores: set[int]) -> None:
    """In the new process: its cores, and as many open files as it may have."""
    if cores:
        os.sched_setaffinity(0, cores)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.communicate()


def join(peer: Peer, port: int, members: int, load: subprocess.Popen[str], give: socket.socket) -> float:
    """Seconds until all members are in."""
    if peer is not OURS:
        return float(said(load, peer).split()[1])
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, GENERATOR_CORE or usual)
    try:
        begin = time.monotonic()
        asyncio.run(join_all(port, members, give))
        said(load, peer)
        return time.monotonic() - begin
    finally:
        os.sched_setaffinity(0, usual)


def arguments(peer: Peer, port: int, members: int) -> list[str]:
    numbers = (str(port), str(members), peer.traits)
    return [peer.parser, peer.security, *numbers, peer.hello, peer.marker, peer.prefix, peer.suffix]


def wait_for(port: int, server: subprocess.Popen[bytes], peer: Peer, log: Path) -> None:
    """Until the server takes connections."""
    until = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.02)
    raise Unable(f"{peer.name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
