"""What the page says before it is in a room: at a server that has no place for it, by a name without TLS, and out of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser
from people import environment
from programs import chat, started
from selenium.webdriver import Chrome
from web_servers import nginx

from tests.system.browser.test_served_page import NAME, joins_and_talks, needs_nginx, port_of, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser(flags=[f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]) as driver:
        yield driver


@needs_nginx
def test_a_page_that_came_without_tls_by_a_name_says_what_to_ask_for(chromium: Chrome, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1") as (_, url),
        nginx(tmp_path / "front", port_of(url)) as public,
    ):
        page = PageUser(chromium, f"http://{NAME}:{public}/")
        assert page.fault == "Ask for an https address: only there does a browser encrypt."
        assert not page["form"].is_displayed()


def test_a_code_that_was_used_is_told_to_be_one(chromium: Chrome, tmp_path: Path) -> None:
    options = ("--web", "127.0.0.1:0", "--keep", "--headless", "--code")
    with started("serve", *options, environment=environment(tmp_path)) as server, browser() as other:
        code = server.tells("The one-time code is ").split("code is ")[1].split(".")[0]
        url = server.tells("Open in a browser:  ").split()[-1]
        first = PageUser(other, url)
        first.join(answer="", code=code, name="pia")
        first.sees("You are pia in lobby.")
        second = PageUser(chromium, url)
        second.join(answer="", code=code)
        assert second.is_refused() == "The connection was cut. A code works once: ask for a new one."
        assert chromium.switch_to.active_element == second["code"]


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_page_that_came_by_a_code_does_not_try_for_ever_where_the_server_has_gone(
    chromium: Chrome, tmp_path: Path, how: str
) -> None:
    """A code works once, so the page cannot return with it."""
    with started("serve", "--web", "127.0.0.1:0", "--headless", "--code", environment=environment(tmp_path)) as server:
        code = server.tells("The one-time code is ").split("code is ")[1].split(".")[0]
        page = PageUser(chromium, server.tells("Open in a browser:  ").split()[-1])
        page.join(answer="", code=code, name="pia")
        page.sees("You are pia in lobby.")
        (server.process.kill if how == "killed" else server.process.terminate)()
        what = "The connection was cut." if how == "killed" else "The server said goodbye."
        assert page.is_refused() == f"{what} A code works once: ask for a new one."
        assert chromium.switch_to.active_element == page["code"]


@pytest.mark.parametrize("shape", ["the link as it is printed", "the address of the WebSocket"])
def test_a_page_in_a_file_takes_the_link_of_a_server(chromium: Chrome, tmp_path: Path, shape: str) -> None:
    file = tmp_path / "chat.html"
    file.write_text(chat("page").stdout)
    with serving(tmp_path / "server", "--origin", "null") as (_, url):
        if shape == "the link as it is printed":  # which names the key, so that nothing is asked
            joins_and_talks(chromium, file.as_uri(), answer="", address=url)
        else:
            joins_and_talks(chromium, file.as_uri(), address=f"ws://127.0.0.1:{port_of(url)}/ws")


@pytest.mark.parametrize("address", ["", "localhost:80", "mailto:pia@example.org"])
def test_what_is_no_address_is_refused_with_a_sentence(chromium: Chrome, tmp_path: Path, address: str) -> None:
    file = tmp_path / "chat.html"
    file.write_text(chat("page").stdout)
    page = PageUser(chromium, file.as_uri())
    page.join(answer="", address=address)
    assert page.is_refused() == "This page cannot connect to that address."


@needs_nginx
def test_a_page_in_a_folder_of_a_web_server_connects_there(chromium: Chrome, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "server", "--trusted-proxy", "127.0.0.1") as (_, url),
        nginx(tmp_path / "front", port_of(url), path="/talk/") as public,
    ):
        joins_and_talks(chromium, f"http://127.0.0.1:{public}/talk/")
