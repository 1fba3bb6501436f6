"""The servers that ours is compared with: how each is started, and what a member says to it."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOST = "127.0.0.1"
ROOM = "lobby"


class Unable(Exception):
    """Something that measuring needs is not there, or a server failed; the text says what to do."""


@dataclass(frozen=True)
class Place:
    """What a server is given: a folder for its files, a port, one to spare, how many members come, a certificate with its key."""

    folder: Path
    port: int
    spare: int
    members: int
    certificate: Path

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.write_text(text)
        return str(file)


@dataclass(frozen=True)
class Peer:
    """A server, and how one talks to it (receiver.c says what `hello` and the rest up to `traits` mean).

    `program` has to be there: a command with the name of its Debian package, or `import MODULE`.
    """

    name: str
    program: str
    command: Callable[[Place], list[str]] = field(repr=False)
    hello: str
    marker: str
    prefix: str = ""
    suffix: str = "\n"
    parser: str = "lines"
    security: str = "plain"
    traits: str = "echo"

    @property
    def encrypted(self) -> bool:
        return self.security != "plain"

    @property
    def missing(self) -> str:
        """What to do to have it; empty where it is there."""
        if (module := self.program.removeprefix("import ")) != self.program:
            there: object = importlib.util.find_spec(module)
            install = f"./run pip install {module}"
        else:
            there = shutil.which(self.program, path=PATH)
            install = f"apt install {self.program}"
        return "" if there else f"{self.name} is left out; to have it: {install}"


def found(program: str) -> str:
    return shutil.which(program, path=PATH) or program


def ncat(place: Place) -> list[str]:
    tls = ["--ssl", "--ssl-cert", str(place.certificate), "--ssl-key", str(place.certificate)]
    return [found("ncat"), "--chat", "-m", "5000", *tls, "-l", HOST, str(place.port)]


def ngircd(place: Place) -> list[str]:
    settings = f"""
[Global]
Name = irc.example.net
Info = benchmark
Listen = {HOST}
Ports = {place.spare}
ServerUID = 0
ServerGID = 0
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 100000
PongTimeout = 100000
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
[SSL]
CertFile = {place.certificate}
KeyFile = {place.certificate}
Ports = {place.port}
"""
    return [found("ngircd"), "--nodaemon", "--config", place.write("ngircd.conf", settings)]


def redis(place: Place, secure: bool) -> list[str]:
    ports = ["--port", "0", "--tls-port", str(place.port)] if secure else ["--port", str(place.port)]
    files = ["--tls-cert-file", str(place.certificate), "--tls-key-file", str(place.certificate), "--tls-auth-clients", "no"]
    limits = ["--save", "", "--maxclients", "20000", "--client-output-buffer-limit", "pubsub 0 0 0"]
    return [found("redis-server"), "--bind", HOST, "--dir", str(place.folder), *ports, *limits, *(files if secure else [])]


def nats(place: Place, secure: bool) -> list[str]:
    tls = f'tls {{ cert_file: "{place.certificate}", key_file: "{place.certificate}" }}' if secure else ""
    settings = f'listen: "{HOST}:{place.port}"\nping_interval: "1h"\nmax_connections: 20000\n{tls}\n'
    return [found("nats-server"), "-c", place.write("nats.conf", settings)]


def hub(module: str, place: Place, secure: bool) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.rooms.{module}", str(place.port), *([str(place.certificate)] if secure else [])]


websockets = partial(hub, "websockets_hub", secure=True)

RESP = f"*3\r\n$7\r\nPUBLISH\r\n${len(ROOM)}\r\n{ROOM}\r\n$%d\r\n"
SUBSCRIBE = f"HELLO 3\r\nSUBSCRIBE {ROOM}\r\n"  # with RESP 3, who is subscribed can publish as well
NATS = f'CONNECT {{"verbose":false,"pedantic":false}}\r\nSUB {ROOM} 1\r\nPING\r\n'
IRC = f"NICK m%d\r\nUSER m%d 0 * :member\r\nJOIN #{ROOM}\r\n"
GET = (
    f"GET /{ROOM} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def both(name: str, security: str, program: str, command: Callable[..., list[str]], **how: Any) -> list[Peer]:
    """The same server with TLS, which begins as `security` says, and without."""
    return [
        Peer(f"{name} TLS", program, partial(command, secure=True), security=security, **how),
        Peer(name, program, partial(command, secure=False), **how),
    ]


PEERS = [
    *both("redis", "tls", "redis-server", redis, hello=SUBSCRIBE, marker=":1\r\n", prefix=RESP, suffix="\r\n"),
    *both("nats", "starttls", "nats-server", nats, hello=NATS, marker="PONG", prefix=f"PUB {ROOM} %d\r\n", suffix="\r\n"),
    Peer("ncat TLS", "ncat", ncat, hello="", marker="connected", security="tls", traits="apart"),
    Peer("ngircd TLS", "ngircd", ngircd, IRC, " 366 ", f"PRIVMSG #{ROOM} :", "\r\n", security="tls", traits="apart"),
    Peer("websockets TLS", "import websockets", websockets, GET, "\r\n\r\n", suffix="", parser="websocket", security="tls"),
    *both("asyncio", "tls", "import asyncio", partial(hub, "hub"), hello="", marker="welcome\n"),
]
