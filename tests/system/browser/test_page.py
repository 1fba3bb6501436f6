"""The web page as a member of a room, in a real Chromium."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser, file_of
from programs import Chat, home, serve, told_address
from screens import shown
from selenium.webdriver import Chrome

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@contextlib.contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[Chat, str, int]]:
    """A room: the server, its address for pages, and its port for programs."""
    doors = ("--transport", "ws", "--origin", "null", "--door", "tcp:127.0.0.1:0")
    with serve("--keep", "--headless", *doors, *options, environment=home(folder, "server")) as ours:
        tcp = told_address(ours.tells("Listening on "))
        yield ours, f"ws://127.0.0.1:{ours.port}/ws", int(tcp.rpartition(":")[2])


def test_a_page_and_a_terminal_talk(chromium: Chrome, tmp_path: Path) -> None:
    with server(tmp_path) as (_, address, port):
        page = PageUser(chromium, file_of(tmp_path).as_uri())
        page.join(address, name="pia")
        page.sees("You are pia in lobby.")
        with shown("connect", f"127.0.0.1:{port}", "--accept-new", "--name", "tom", environment=home(tmp_path, "tom")) as tom:
            tom.until("You are tom in lobby, with pia")
            tom.type("good morning\r")
            page.sees("good morning")
            page.say("morning, tom <b>&amp;</b>")
            tom.until("pia: morning, tom <b>&amp;</b>")
            tom.type("/whois pia\r")
            tom.until(page.text("own"))
