"""Figures over HTTP, read back by Prometheus' own parser; and requests as strangers send them."""

import asyncio
import contextlib
import os
import re
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import programs
import pytest
from people import environment
from prometheus_client.parser import text_string_to_metric_families
from web_servers import free_port

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, ImpossibleStack, Refused, Truncated, UnknownPeer, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.measures import Measure
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.plugins import small_http
from plytalk.plugins.features.metrics import Metrics, layers
from plytalk.plugins.small_http import LONGEST, MOST
from plytalk.testing import check_layer, open_ends, stack_of

GET = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Tea(Feature):
    """Measures something."""

    name = "tea"

    @hookimpl
    def measures(self) -> list[Measure]:
        return [Measure("plytalk_cups_total", "Cups.", 7, "counter", {"tea": 'green\n"'})]


class Spilt(Feature):
    """Fails to measure."""

    name = "spilt"

    @hookimpl
    def measures(self) -> list[Measure]:
        raise RuntimeError


def nobody(prompt: str) -> str:
    raise UnknownPeer(prompt)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  # what is waited for happens in the loop
        await asyncio.sleep(0)


async def is_dropped(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends without an answer."""
    with contextlib.suppress(ConnectionResetError):
        return not await reader.read()
    return True


class Serving:
    """A server's feature, whose port is asked."""

    def __init__(self, hook: Any, port: int, sentences: list[str], feature: Metrics) -> None:
        self.hook, self.port, self.sentences, self.feature = hook, port, sentences, feature

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: str | bytes = GET) -> tuple[str, str]:
        """The head and the body of what is answered until the connection ends."""
        reader, writer = await self.open()
        writer.write(request.encode() if isinstance(request, str) else request)
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        if head:
            assert f"Content-Length: {len(body.encode())}" in head.split("\r\n")
            assert "Connection: close" in head.split("\r\n")
        return head, body

    async def status(self, request: str | bytes) -> str:
        head, _ = await self.ask(request)
        return head.partition("\r\n")[0].removeprefix("HTTP/1.1 ")

    async def figures(self) -> dict[str, Any]:
        """The values by name, or by name and labels where there are any."""
        head, body = await self.ask()
        assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
        samples = [sample for family in text_string_to_metric_families(body) for sample in family.samples]
        return {name if not labels else (name, *labels.values()): value for name, labels, value, *_ in samples}


@contextlib.asynccontextmanager
async def serving(*features: type[Feature], open: bool = True, place: str = "127.0.0.1:0") -> AsyncIterator[Serving]:
    host, stack = Registry(points=[]), stack_of(*features, Metrics, metrics=place)
    host.hear(stack)
    feature = next(one for one in stack.features if isinstance(one, Metrics))
    [sentence] = await feature.ready(Role.RESPONDER, nobody)
    if open:
        host.manager.hook.server_opened(
            stack=stack, address="memory:a", doors=(), hook=host.manager.hook, end=print, notice=print
        )
    try:
        yield Serving(host.manager.hook, int(re.search(r":(\d+)/metrics", sentence)[1]), [sentence], feature)
    finally:
        await feature.release()
        await until(lambda: not feature._http.asking)


def test_it_keeps_its_contract() -> None:
    check_layer(Metrics)
    assert layers() == [Metrics]


# -- what is measured -----------------------------------------------------------------------------------------------------


async def test_conversations_are_counted_as_they_come_and_go() -> None:
    async with (
        serving() as here,
        open_ends(stack_of(), stack_of()) as (one, two),
        open_ends(stack_of(), stack_of()) as (three, stranger),
    ):
        for side in (one, two, three):
            here.hook.session_opened(session=side.session)
        here.hook.session_closed(session=one.session, ending=Ending(EndedBy.THEM, "The other side said exit."))
        here.hook.session_closed(session=two.session, ending=Ending(EndedBy.FAULT, "Cut.", Truncated("Cut.")))
        here.hook.session_closed(session=stranger.session, ending=Ending(EndedBy.US, "Another plugin refused it first."))
        for _ in range(5):
            here.hook.turned_away(address="192.0.2.1:1", error=Refused("No."))
        found = await here.figures()
    assert found["plytalk_sessions_open"] == 1
    assert found["plytalk_sessions_opened_total"] == 3
    assert found["plytalk_sessions_ended_total", "them", ""] == 1
    assert found["plytalk_sessions_ended_total", "fault", "Truncated"] == 1
    assert found["plytalk_turned_away_total", "refused"] == 5
    assert found["plytalk_turned_away_total", "evicted"] == 0
    assert found["plytalk_measures_failed_total"] == 0


async def test_the_process_is_measured_under_the_usual_names() -> None:
    async with serving() as here:
        found = await here.figures()
        with open(os.devnull), open(os.devnull):
            more = await here.figures()
    assert 0 < found["process_cpu_seconds_total"] <= more["process_cpu_seconds_total"] <= time.process_time()
    assert 0 < found["process_start_time_seconds"] <= time.time()
    if os.path.exists("/proc/self/statm"):
        assert 1 << 20 < found["process_resident_memory_bytes"] < 1 << 34
        assert more["process_open_fds"] == found["process_open_fds"] + 2


async def test_what_other_features_measure_is_there_and_one_that_fails_hides_no_other() -> None:
    async with serving(Tea, Spilt) as here:
        found = await here.figures()
        again = await here.figures()
    assert found["plytalk_cups_total", 'green␊"'] == 7
    assert found["plytalk_measures_failed_total"] == 1
    assert again["plytalk_measures_failed_total"] == 2
    assert "plytalk_sessions_open" in found


# -- HTTP -----------------------------------------------------------------------------------------------------------------


async def test_whether_the_server_is_well() -> None:
    async with serving(open=False) as here:
        head, body = await here.ask("GET /healthz HTTP/1.1\r\n\r\n")
        assert head.startswith("HTTP/1.1 503 ")
        assert await here.status(GET) == "503 Service Unavailable"
        here.hook.server_opened(stack=stack_of(), address="memory:a", doors=(), hook=here.hook, end=print, notice=print)
        head, body = await here.ask("GET /healthz HTTP/1.1\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert body == "ok\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /metrics HTTP/1.1\n\n", "200 OK"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /metrics?name=x HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("GET /../metrics HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /nowhere HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("HEAD /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("POST /healthz HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", "405 Method Not Allowed"),
        ("GET /metrics\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/2.0\r\n\r\n", "400 Bad Request"),
        ("get /metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET http://x/metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\xff\xfe\r\n\r\n", "400 Bad Request"),
        (b"GET /metr\xffics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET /metrics HTTP/1.1\r\n" + "X: y\r\n" * (LONGEST // 6), "431 Request Header Fields Too Large"),
    ],
    ids=repr,
)
async def test_a_request_gets_the_answer_it_deserves(request_: str | bytes, status: str) -> None:
    async with serving() as here:
        head, _ = await here.ask(request_)
        assert head.startswith(f"HTTP/1.1 {status}\r\n")
        assert ("Allow: GET" in head.split("\r\n")) == status.startswith("405")
        assert await here.status(GET) == "200 OK"


async def test_a_request_may_come_byte_by_byte() -> None:
    async with serving() as here:
        reader, writer = await here.open()
        for byte in GET.encode():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()
        await writer.wait_closed()


async def test_who_does_not_finish_in_time_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_http, "SECONDS", 0.05)
    async with serving() as here:
        reader, writer = await here.open()
        writer.write(b"GET /metrics HT")
        assert await is_dropped(reader)
        assert not here.feature._http.asking
        writer.close()


async def test_more_than_so_many_at_one_time_are_dropped_and_leave_room_when_they_go() -> None:
    async with serving() as here:
        held = [await here.open() for _ in range(MOST)]
        await until(lambda: len(here.feature._http.asking) == MOST)
        reader, writer = await here.open()
        assert await is_dropped(reader)
        writer.close()
        for _, writer in held:
            writer.close()
        await until(lambda: not here.feature._http.asking)
        assert await here.status(GET) == "200 OK"


async def test_released_it_drops_who_is_asking_and_gives_the_port_back() -> None:
    async with serving() as here:
        reader, writer = await here.open()
        await until(lambda: here.feature._http.asking)
        await here.feature.release()
        assert await is_dropped(reader)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await here.open()


# -- the place ------------------------------------------------------------------------------------------------------------


async def test_every_network_is_ipv4_too() -> None:
    async with serving(place="[::]:0") as here:
        assert (await here.ask("GET /healthz HTTP/1.1\r\n\r\n"))[0].startswith("HTTP/1.1 200")


@pytest.mark.parametrize(
    "place",
    ["9591", ":9591", "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9591", "127.0.0.1:٣", "a..b:1"],
)
def test_a_place_is_a_host_and_a_port(place: str) -> None:
    with pytest.raises(Usage, match=r"is not HOST:PORT\.$") as caught:
        Metrics(place)
    assert "Write 127.0.0.1:9591 to serve this machine alone; another address" in caught.value.sentence


async def test_a_place_that_is_taken_is_said_before_the_start() -> None:
    async with serving() as here:
        with pytest.raises(CannotConnect, match=f"Cannot serve --metrics at 127.0.0.1:{here.port}: address already in use"):
            await Metrics(f"127.0.0.1:{here.port}").ready(Role.RESPONDER, nobody)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "[2001:db8::1]"])
async def test_a_place_that_is_not_ours_is_said_too(host: str) -> None:
    with pytest.raises(CannotConnect, match="Cannot serve --metrics at "):
        await Metrics(f"{host}:0").ready(Role.RESPONDER, nobody)


async def test_a_place_that_others_can_reach_is_pointed_out() -> None:
    async with serving(place="0.0.0.0:0") as here:
        assert "Anyone who can reach that address can read them." in here.sentences[0]
    async with serving() as here:
        assert here.sentences == [f"Figures for Prometheus at http://127.0.0.1:{here.port}/metrics."]


async def test_a_place_that_was_named_in_full_is_not_said_again_unless_others_can_reach_it() -> None:
    for host, said in (("127.0.0.1", 0), ("[::1]", 0), ("0.0.0.0", 1)):
        metrics = Metrics(f"{host}:{free_port()}")
        assert len(await metrics.ready(Role.RESPONDER, nobody)) == said
        await metrics.release()


async def test_a_place_may_be_of_ipv6() -> None:
    async with serving(place="[::1]:0") as here:
        assert here.sentences == [f"Figures for Prometheus at http://[::1]:{here.port}/metrics."]


async def test_a_client_has_none() -> None:
    with pytest.raises(ImpossibleStack, match="--metrics is for servers"):
        await Metrics("127.0.0.1:0").ready(Role.INITIATOR, nobody)


def test_a_program_counts_its_peers() -> None:
    with programs.serve("--profile", "demo01", "--keep", "--ui", "none", "--metrics", "127.0.0.1:0") as server:
        [place] = re.findall(r"http://127\.0\.0\.1:\d+/metrics", server.tells("/metrics"))
        for _ in range(2):
            with programs.connect(server.port, "--profile", "demo01") as client:
                client.say("exit")
                assert client.status() == 0
        with urllib.request.urlopen(place, timeout=180) as answer:
            figures = answer.read().decode()
    assert "plytalk_sessions_opened_total 2\n" in figures


def test_the_program_ends_with_the_code_for_connections_where_it_cannot_serve(tmp_path: Path) -> None:
    with programs.nobody_there() as port:
        run = programs.chat("serve", "--port", "0", "--metrics", f"127.0.0.1:{port}", environment=environment(tmp_path))
    assert run.returncode == 3
    assert f"Cannot serve --metrics at 127.0.0.1:{port}" in run.stderr
    assert "Listening" not in run.stderr
