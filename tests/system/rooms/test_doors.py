"""One room behind several listeners: the members come by different transports, and are told the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from crowd import PATIENT, Crowd
from msgspec.structs import replace
from relaying import relaying

from plytalk.core.contracts.events import Notice
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.transport import Stream, Transport
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.plugins.messages.records import Records
from plytalk.plugins.rooms.room_events import EVENT
from plytalk.plugins.transports.memory import Memory
from plytalk.plugins.transports.relay import RelayTransport
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.tls import Tls
from plytalk.plugins.transports.unix import Unix
from plytalk.plugins.transports.ws import Ws
from plytalk.testing.verdict import idle, within

EVENTS = 1000
KINDS = ("tcp", "unix", "memory", "ws", "tls", "relay")


class EventBytes:
    """A trace that keeps the bytes of the events that a member is sent."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self._messages = Records(True)

    def __call__(self, event: TraceEvent) -> None:
        if (event.layer, event.way) == ("messages", "in"):
            items = self._messages.unpack(event.data)
            self.came += [item.body for item in items if isinstance(item, Extension) and item.type == EVENT]

    @property
    def spoken(self) -> list[bytes]:
        """Those in which somebody says a line."""
        return [body for body in self.came if b"line " in body]


async def all_came(traces: list[EventBytes]) -> None:
    while min(len(trace.spoken) for trace in traces) < EVENTS:
        await idle()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    return tmp_path


def behind_all(home: Path, **options: object) -> Crowd:
    return Crowd(home, transport=Tcp, host="127.0.0.1", doors=[(Unix, f"{home}/socket"), (Memory, f"{home}/memory")], **options)


def secured(folder: Path) -> type[Transport]:
    """TLS with a certificate that its clients trust."""
    authority = Authority(folder)
    cert, key = authority.signs("server")

    class Secured(Tls):
        options = ()

        def __init__(self) -> None:
            super().__init__(tls_cert=cert, tls_key=key, tls_ca=authority.file)

    return Secured


class ByNumber(RelayTransport):
    """Holds a number at a relay, whose port is not the usual one."""

    options = ()

    def __init__(self) -> None:
        super().__init__(relay_number=True)

    async def connect(self, host: str, port: int) -> Stream:
        return await super().connect(f"{host}:{port}", port)


@pytest.fixture
def transports(home: Path) -> Iterator[dict[str, tuple[type[Transport], str]]]:
    """Each kind of transport, and where it listens."""
    with relaying() as (_, relay):
        yield {
            "tcp": (Tcp, "127.0.0.1"),
            "unix": (Unix, f"{home}/socket"),
            "memory": (Memory, f"{home}/memory"),
            "ws": (Ws, "127.0.0.1"),
            "tls": (secured(home), "127.0.0.1"),
            "relay": (ByNumber, relay),
        }


@pytest.mark.parametrize("first", KINDS)
async def test_members_of_all_transports_hear_the_same_bytes_in_the_same_order(
    home: Path, transports: dict[str, tuple[type[Transport], str]], first: str
) -> None:
    """The first to come is of each kind once: members are served together."""
    order = [first, *(name for name in KINDS if name != first)]
    doors = [one for name, one in transports.items() if name != "tcp"]
    async with Crowd(home, transport=Tcp, host="127.0.0.1", doors=doors) as crowd:
        traces = [EventBytes() for _ in order]
        people = [await crowd.comes(name, by=transports[name][0], trace=trace) for name, trace in zip(order, traces, strict=True)]
        for person in people:
            await person.shows(f"[{order[-1]}] is here")
        for trace in traces:
            trace.came.clear()
        for number in range(EVENTS):
            people[number % len(people)].say(f"line {number}")
            if number % 50 == 49:
                await people[-1].shows(f"line {number}")
        await within(all_came(traces), f"There came {[len(trace.spoken) for trace in traces]}.")
        assert len(traces[0].spoken) == EVENTS
        assert [trace.spoken for trace in traces] == [traces[0].spoken] * len(traces)


async def test_the_start_names_each_door(home: Path) -> None:
    async with behind_all(home) as crowd:
        said = [event for event in crowd.ui.events if isinstance(event, Notice) and event.text.startswith("Listening on ")]
        assert [(event.data or {})["transport"] for event in said] == ["tcp", "unix", "memory"]
        assert [event.detail for event in said] == [False, True, True], "the first one names all"
        first = said[0].text
        assert all(f"({name})" in first for name in ("tcp", "unix", "memory")) or first.endswith(" and by unix and memory.")
        assert len(first) <= 80
        assert all(len(event.text) <= 80 or event.text.endswith(f"{event.data['address']}.") for event in said[1:])


async def test_a_crowd_at_one_door_keeps_nobody_out_at_another(home: Path) -> None:
    limits = replace(PATIENT, unauthenticated=3)
    async with behind_all(home, limits=limits) as crowd:
        silent = [await Memory().connect(*crowd.addresses["memory"]) for _ in range(20)]
        tcp, _, memory = crowd.server.arrivals
        await crowd.comes("alice", by=Tcp)
        assert len(memory) == 3
        assert len(tcp) == 0
        await crowd.comes("bob", by=Memory)
        for stream in silent:
            stream.close()
