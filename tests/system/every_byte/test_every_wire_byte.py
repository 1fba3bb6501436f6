"""No byte of a transport's own protocol without a name: recorded conversations over each of them, and what really passed by."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from relaying import relaying

from every_byte.recorded import LINES, Recording, record
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.contracts.wire import IN, OUT
from plytalk.core.registry.registry import Registry
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.transports.memory import Memory
from plytalk.testing.verdict import within

LAYERS = {"framer": "u16", "handshake": "plytalk1", "cipher": "noise", "messages": "records"}
TRANSPORTS = ("ws", "wss", "tls", "relay")


class Tap:
    """A wire that somebody looks at: passes TCP on to a port, and keeps what passed from the client and from the server."""

    def __init__(self, port: int) -> None:
        self._port, self._ends, self.over = port, 0, asyncio.Event()
        self.passed = {Role.INITIATOR: bytearray(), Role.RESPONDER: bytearray()}

    async def start(self) -> int:
        self._listener = await tcp_sockets.listen("127.0.0.1", 0)
        self._meeting = asyncio.create_task(self._meet())
        return int(self._listener.address.rpartition(":")[2])

    async def _meet(self) -> None:
        client = await self._listener.accept()
        server = await tcp_sockets.connect("127.0.0.1", self._port)
        self._streams = client, server
        self._pass(client, server, self.passed[Role.INITIATOR])
        self._pass(server, client, self.passed[Role.RESPONDER])

    def _pass(self, one: Stream, other: Stream, passed: bytearray) -> None:
        def receive(data: Buffer) -> None:
            passed.extend(data)
            other.send(bytes(data))

        def ended(error: Exception | None) -> None:
            other.finish()
            self._ends += 1
            if self._ends >= 2:
                self.over.set()

        one.deliver_to(receive, ended)
        one.resume()

    async def close(self) -> None:
        await self._meeting
        for stream in self._streams:
            stream.close()
        await self._listener.close()


def options(folder: Path, name: str) -> Mapping[str, Any]:
    if name not in ("wss", "tls"):
        return {}
    authority = Authority(folder)
    cert, key = authority.signs("server")
    return {"tls_cert": cert, "tls_key": key, "tls_ca": authority.file}


@asynccontextmanager
async def connected(transport: Transport, tap: Tap, listener: Listener, at: str) -> AsyncIterator[tuple[Stream, Stream]]:
    port = await tap.start()
    connecting = asyncio.create_task(transport.connect(f"{at}127.0.0.1:{port}" if at else "127.0.0.1", port))
    theirs = await listener.accept()
    ours = await connecting
    try:
        yield ours, theirs
    finally:
        await listener.close()
        await tap.close()


@asynccontextmanager
async def streams(name: str, folder: Path) -> AsyncIterator[tuple[tuple[Stream, Stream], Tap]]:
    """A client's and a server's stream over this transport, and what passes between the client and the server or relay."""
    transport = Registry().layer("transport", name)(
        **options(folder, name), **({"relay_number": True} if name == "relay" else {})
    )
    await prepare(transport, Role.RESPONDER, str)
    if name == "relay":
        with relaying() as (_, address):
            listener = await transport.listen(address, 0)
            tap = Tap(int(address.rpartition(":")[2]))
            async with connected(transport, tap, listener, f"{listener.address.partition('@')[0]}@") as both:
                yield both, tap
        return
    listener = await transport.listen("127.0.0.1", 0)
    tap = Tap(int(listener.address.rpartition(":")[2]))
    async with connected(transport, tap, listener, "") as both:
        yield both, tap


def wire(heard: Recording, way: str, begins: str = "") -> bytes:
    return b"".join(event.data for event in heard if (event.layer, event.way) == ("wire", way) and event.what.startswith(begins))


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_every_byte_of_a_transport_has_a_name(name: str, tmp_path: Path) -> None:
    async with streams(name, tmp_path) as (both, tap):
        heard = await record(tmp_path, LAYERS, {}, streams=both)
        await within(tap.over.wait(), "The connection does not end.")
    client = heard[Role.INITIATOR]
    for events in heard.values():
        told = [event for event in events if event.layer == "wire"]
        assert {event.way for event in told} == {IN, OUT}
        for event in told:
            assert b"".join(event.data[span.start : span.end] for span in event.spans) == event.data
            assert all(span.name for span in event.spans), event
    raw = dict.fromkeys((IN, OUT), b"")
    if name == "relay":  # behind its own frames there is what the framer made
        raw = {
            way: b"".join(one.data for one in client if (one.layer, one.way, one.what) == ("transport", way, "bytes"))
            for way in raw
        }
    bottom = "TLS" if name == "wss" else ""
    assert wire(client, OUT, bottom) + raw[OUT] == tap.passed[Role.INITIATOR]
    heard_by_client = wire(client, IN, bottom) + raw[IN]
    assert tap.passed[Role.RESPONDER].startswith(heard_by_client)
    assert len(tap.passed[Role.RESPONDER]) - len(heard_by_client) < 200  # what came when it had closed


@pytest.mark.parametrize(
    ("name", "units", "spans"),
    [
        (
            "ws",
            {"HTTP request", "HTTP response", "WebSocket binary", "WebSocket end of this direction"},
            {"opcode", "masking key", "payload", "field Sec-WebSocket-Key"},
        ),
        (
            "tls",
            {"TLS ClientHello", "TLS ServerHello", "TLS application data"},
            {"content type", "ClientHello: random", "sealed"},
        ),
        ("wss", {"TLS ClientHello", "HTTP request", "WebSocket binary"}, {"masking key", "sealed"}),
        ("relay", {"plyrelay/1 join", "plyrelay/1 go"}, {"magic", "name that is asked for"}),
    ],
)
async def test_what_each_transport_has_of_its_own_is_named(name: str, units: set[str], spans: set[str], tmp_path: Path) -> None:
    async with streams(name, tmp_path) as (both, _):
        heard = await record(tmp_path, LAYERS, {}, streams=both, lines=LINES[:1])
    told = [event for event in heard[Role.INITIATOR] if event.layer == "wire"]
    assert units <= {event.what for event in told}
    assert spans <= {span.name for event in told for span in event.spans}
    shown = [frame.name for frame in inspect_frames(heard[Role.INITIATOR])]
    assert shown[0] == "started"
    assert units <= set(shown)
    assert [frame.text for frame in inspect_frames(heard[Role.INITIATOR]) if frame.text] == [LINES[0], LINES[0]]


async def test_a_transport_without_a_protocol_of_its_own_tells_nothing(tmp_path: Path) -> None:
    listener = await Memory().listen("memory", 0)
    ours = await Memory().connect("memory", 0)
    heard = await record(tmp_path, LAYERS, {}, streams=(ours, await listener.accept()), lines=LINES[:1])
    await listener.close()
    assert not [event for event in heard[Role.INITIATOR] if event.layer == "wire"]
