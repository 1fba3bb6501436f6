"""The page as `chat serve --web` serves it, in a real Chromium: at the server itself, behind nginx and caddy, and as a file."""

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser
from people import environment
from programs import Chat, chat, started
from selenium.webdriver import Chrome
from web_servers import CADDY, NGINX, caddy, nginx

Front = Callable[[Path, int], AbstractContextManager[int]]
needs_nginx = pytest.mark.skipif(not NGINX, reason="needs nginx (on Debian: apt install nginx-light)")
needs_caddy = pytest.mark.skipif(not CADDY, reason="needs caddy (on Debian: apt install caddy)")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@contextlib.contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[Chat, str]]:
    """A server with a page, and its URL as the server prints it."""
    arguments = ("--web", "127.0.0.1:0", "--keep", "--headless", *options)
    with started("serve", *arguments, environment=environment(home)) as server:
        yield server, server.tells("Open in a browser:  ").split()[-1]


def port_of(url: str) -> int:
    return int(url.partition("/#")[0].rpartition(":")[2])


def complaints(driver: Chrome) -> list[str]:
    """What the browser complains of: a policy that was broken, a file that is missing."""
    return [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]]  # type: ignore[no-untyped-call]


def joins_and_talks(driver: Chrome, url: str, answer: str = "yes", **fields: str) -> None:
    driver.get("about:blank")
    complaints(driver)  # of an earlier page
    page = PageUser(driver, url)
    page.join(name="pia", answer=answer, **fields)
    page.sees("You are pia in lobby.")
    page.say("hello from the page")
    page.sees("hello from the page")
    assert complaints(driver) == []


def test_the_page_of_a_server_is_a_member_of_its_room(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path / "server") as (server, url):
        joins_and_talks(chromium, url.partition("#")[0])
        server.process.terminate()
        server.status()
        assert [line for line in server.told if "did not get in" in line] == []


@pytest.mark.parametrize("front", [pytest.param(nginx, marks=needs_nginx), pytest.param(caddy, marks=needs_caddy)])
def test_it_works_behind_a_web_server(front: Front, chromium: Chrome, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1", "--log-json", "-") as (server, url),
        front(tmp_path / "front", port_of(url)) as public,
    ):
        joins_and_talks(chromium, f"http://127.0.0.1:{public}/")
        assert json.loads(server.tells('"session opened"'))["address"].startswith("proxied-127.0.0.1:")


def test_a_file_is_let_in_where_the_server_allows_it(chromium: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "chat.html"
    file.write_text(chat("page").stdout)
    with serving(tmp_path / "server", "--origin", "null") as (_, url):
        joins_and_talks(chromium, file.as_uri(), address=f"ws://127.0.0.1:{port_of(url)}/ws")
    with serving(tmp_path / "other") as (server, url):
        page = PageUser(chromium, file.as_uri())
        page.join(address=f"ws://127.0.0.1:{port_of(url)}/ws", answer="")
        assert "Pages of null may not come here" in server.tells("did not get in")
        assert page.is_refused()
