"""The page as `chat serve --web` serves it, in a real Chromium: at the server itself, behind nginx and caddy, and as a file."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import browser
from certificates import Authority
from page_user import PageUser, forget_window
from people import environment
from programs import Chat, chat, started
from selenium.webdriver import Chrome
from web_servers import CADDY, NGINX, caddy, nginx

Front = Callable[[Path, int], AbstractContextManager[int]]
needs_nginx = pytest.mark.skipif(not NGINX, reason="needs nginx (on Debian: apt install nginx-light)")
NAME = "chat.example.org"
needs_caddy = pytest.mark.skipif(not CADDY, reason="needs caddy (on Debian: apt install caddy)")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser(flags=[f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--ignore-certificate-errors"]) as driver:
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
    return [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]


def joins_and_talks(driver: Chrome, url: str, answer: str = "yes", **fields: str) -> None:
    forget_window(driver)
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
        assert chromium.execute_script("return performance.getEntriesByType('resource')") == []  # type: ignore[no-untyped-call]
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


def test_it_works_by_a_name_in_tls(chromium: Chrome, tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).signs("server", host=NAME)
    with serving(tmp_path / "server", "--tls-cert", str(cert), "--tls-key", str(key)) as (_, url):
        assert url.startswith("https://127.0.0.1:")
        joins_and_talks(chromium, f"https://{NAME}:{port_of(url)}/")


@needs_nginx
def test_it_works_by_a_name_behind_a_web_server_that_speaks_tls(chromium: Chrome, tmp_path: Path) -> None:
    files = Authority(tmp_path).signs("front", host=NAME)
    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1") as (_, url),
        nginx(tmp_path / "front", port_of(url), tls=files) as public,
    ):
        joins_and_talks(chromium, f"https://{NAME}:{public}/")


@needs_nginx
def test_a_page_in_an_idle_room_outlives_the_timeout_of_the_web_server(chromium: Chrome, tmp_path: Path) -> None:
    """nginx cuts what is silent for three seconds; the server pings every second, and never the page that a second one serves."""
    with (
        serving(tmp_path / "pings", "--trusted-proxy", "127.0.0.1", "--ws-ping", "1", "--ping", "0") as (_, pinging),
        serving(tmp_path / "silent", "--trusted-proxy", "127.0.0.1", "--ws-ping", "0", "--ping", "0") as (_, silent),
        nginx(tmp_path / "one", port_of(pinging), timeout=3) as here,
        nginx(tmp_path / "two", port_of(silent), timeout=3) as there,
    ):
        kept = PageUser(chromium, f"http://127.0.0.1:{here}/")
        kept.join(name="pia")
        kept.sees("You are pia in lobby.")
        with browser() as other:
            cut = PageUser(other, f"http://127.0.0.1:{there}/")
            cut.join(name="tom")
            cut.sees("You are tom in lobby.")
            cut.wait_until(lambda: "cut" in cut.text("status").lower() or "again" in cut.text("status").lower(), "the cut")
        kept.say("still here")
        kept.sees("still here")
        assert kept.log.count("You are pia in lobby.") == 1


class Answers(SimpleHTTPRequestHandler):
    """One request on a connection; one that stays silent is closed."""

    timeout = 1

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Site(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits until each connection is closed


@contextlib.contextmanager
def other_site() -> Iterator[str]:
    """A web server with a page that may do everything."""
    with Site(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/none"
        finally:
            server.shutdown()


def test_a_page_of_another_origin_can_neither_connect_nor_read_nor_frame(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path / "server") as (server, url), other_site() as site:
        chromium.get(site)
        tried = chromium.execute_async_script(ATTACK, f"127.0.0.1:{port_of(url)}")
        assert tried == ["closed 1006", "not read", "tried"]
        chromium.switch_to.frame(0)
        assert chromium.execute_script("return document.title") != "plytalk"  # type: ignore[no-untyped-call]
        chromium.switch_to.default_content()
        assert f"Pages of {site.removesuffix('/none')} may not come here" in server.tells("did not get in")


ATTACK = """
const [at, done] = arguments, socket = new WebSocket(`ws://${at}/ws`, "plytalk.1"), frame = document.createElement("iframe");
const connected = new Promise(tell => {
  socket.onopen = () => tell("open");
  socket.onclose = event => tell(`closed ${event.code}`);
});
const read = fetch(`http://${at}/files.js`).then(() => "read", () => "not read");
const framed = new Promise(tell => {
  frame.onload = () => tell("tried");
  frame.src = `http://${at}/`;
  document.body.append(frame);
});
Promise.all([connected, read, framed]).then(done);
"""
"""Whether a WebSocket opens and a file is read, of a server at an address; its page is then in a frame if it lets itself be."""


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
