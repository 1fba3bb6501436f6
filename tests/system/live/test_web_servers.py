"""`ws` behind real web servers: who is there, what a pause costs, and who may come."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from people import environment
from programs import Chat, chat, home, started
from web_servers import CADDY, NGINX, caddy, nginx
from websockets.asyncio.client import connect as dial

needs_nginx = pytest.mark.skipif(not NGINX, reason="needs nginx (on Debian: apt install nginx-light)")
needs_caddy = pytest.mark.skipif(not CADDY, reason="needs caddy (on Debian: apt install caddy)")
Front = Callable[[Path, int], AbstractContextManager[int]]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[Chat, int]]:
    """A server by `ws`, and its port."""
    arguments = ("--door", "ws:127.0.0.1:0", "--keep", "--headless", *options)
    with started("serve", *arguments, environment=environment(folder)) as server:
        yield server, int(server.tells("Listening on ").partition(" with ")[0].rpartition(":")[2])


@contextmanager
def member(folder: Path, port: int, name: str, *options: str) -> Iterator[Chat]:
    arguments = ("--accept-new", "--name", name, "--ui", "jsonl", *options)
    with started("connect", f"ws://127.0.0.1:{port}/", *arguments, environment=environment(folder / name)) as client:
        client.event("you")
        yield client


def say(client: Chat, text: str) -> None:
    client.say(json.dumps({"type": "message", "text": text}))


def hears(client: Chat, text: str) -> None:
    while client.event("message")["text"] != text:
        pass


@pytest.mark.parametrize("front", [pytest.param(nginx, marks=needs_nginx), pytest.param(caddy, marks=needs_caddy)])
def test_people_meet_behind_a_web_server_that_names_them(front: Front, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1", "--log-json", "-") as (server, port),
        front(tmp_path / "front", port) as public,
        member(tmp_path, public, "alice") as alice,
        member(tmp_path, public, "bob") as bob,
    ):
        opened = json.loads(server.tells('"session opened"'))
        assert opened["address"].startswith("proxied-127.0.0.1:")
        say(alice, "through the web")
        hears(bob, "through the web")
        say(bob, "x" * 200_000)
        hears(alice, "x" * 200_000)


@needs_nginx
def test_a_peer_cannot_forge_where_it_is(tmp_path: Path) -> None:
    async def come(port: int) -> None:
        forged = {"X-Forwarded-For": "203.0.113.9"}
        async with dial(f"ws://127.0.0.1:{port}/", subprotocols=["plytalk.1"], additional_headers=forged) as client:  # type: ignore[list-item]
            await client.send(b"\x00\x01x")

    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1") as (server, port),
        nginx(tmp_path / "front", port) as public,
    ):
        asyncio.run(come(public))
        assert server.tells("did not get in").startswith("proxied-127.0.0.1:")


@needs_nginx
def test_a_silent_conversation_outlives_the_timeout_of_nginx_by_pings(tmp_path: Path) -> None:
    """One server pings every second and the other does not; nginx cuts what is silent for three."""
    with (
        serving(tmp_path / "pings", "--ws-ping", "1") as (_, pinging),
        serving(tmp_path / "silent", "--ws-ping", "0") as (_, silent),
        nginx(tmp_path / "one", pinging, timeout=3) as here,
        nginx(tmp_path / "two", silent, timeout=3) as there,
        member(tmp_path, here, "alice") as alice,
        member(tmp_path, here, "bob") as bob,
        member(tmp_path, there, "carol") as carol,
    ):
        closed = carol.event("closed")
        assert closed["exit_code"] == 8
        say(alice, "still here")
        hears(bob, "still here")


@needs_nginx
def test_a_relay_is_reached_by_wss_through_nginx(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with started("relay", "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1") as relay:
        behind = int(relay.tells("Relaying at ").split()[4].rstrip(".").rpartition(":")[2])
        with nginx(tmp_path / "nginx", behind, tls=authority.signs("server")) as port:
            place = f"wss://localhost:{port}"
            ours, theirs = ({**home(tmp_path, name), "SSL_CERT_FILE": str(authority.file)} for name in ("a", "b"))
            with started("serve", "--relay", place, environment=ours) as server:
                line = server.tells("The other side connects with:").partition(":  ")[2].split()[1:]
                assert line[1].endswith(f"@{place}")
                with started(*line, "--name", "bob", environment=theirs) as client:
                    client.say("through a relay by wss")
                    assert server.hear_words() == "through a relay by wss"
                    client.end_input()
                    assert client.status() == 0
                refused = chat(*line, environment=home(tmp_path, "c"))
                assert refused.returncode == 4
                assert "certificate" in refused.stderr
