"""Files that come and go in the web page, in a real Chromium: to and from a person at a terminal, and another page."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import browser
from page_user import PageUser, behind_link
from selenium.webdriver import Chrome

from tests.system.browser.test_page import at_terminal, joined, restarted, serving

MIB = 1 << 20


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium(downloads: Path) -> Iterator[Chrome]:
    with browser() as driver:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
        yield driver


def receive(page: PageUser, downloads: Path, name: str, offer: str) -> bytes:
    """Press the button on an offer, and wait for the file."""
    page.sees(offer)
    page.press("Receive")
    page.wait_until(lambda: "saved" in page.log or "not what was offered" in page.log, "the end of the transfer")
    page.wait_until((downloads / name).exists, f"{name} among the downloads")
    return (downloads / name).read_bytes()


@pytest.mark.parametrize("size", [0, 1, 262_144, 3 * MIB + 17])
def test_a_page_receives_what_a_terminal_sends(chromium: Chrome, downloads: Path, tmp_path: Path, size: int) -> None:
    content, name = os.urandom(size), f"film-{size}.bin"
    (tmp_path / name).write_bytes(content)
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        tom.type(f"/send {tmp_path / name}\r")
        assert receive(pia, downloads, name, f"tom offers {name}") == content
        tom.until(f"[pia] has received {name}")


@pytest.mark.parametrize("size", [0, 5, 3 * MIB + 17])
def test_a_terminal_receives_what_a_page_sends(chromium: Chrome, tmp_path: Path, size: int) -> None:
    content, name = os.urandom(size), "picture <b>.png"
    (tmp_path / name).write_bytes(content)
    into = tmp_path / "into"
    into.mkdir()
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port, "tom", "--into", str(into)) as tom:
        pia = joined(chromium, url, "pia")
        pia["line"].send_keys("/msg tom ")
        pia["file"].send_keys(str(tmp_path / name))
        assert ") to tom alone." in pia.sees(f"You offer {name}")
        assert pia["line"].get_attribute("value") == ""
        tom.until(f"[pia] offers {name}")
        tom.type("/accept\r")
        tom.until(f"The file {name}")
        pia.sees(f"tom has received {name}.")
        [written] = into.iterdir()  # by another name: `<` cannot be in one everywhere
        assert written.read_bytes() == content


def test_a_file_goes_on_after_a_cut_of_its_receiver(chromium: Chrome, downloads: Path, tmp_path: Path) -> None:
    content = os.urandom(6 * MIB)
    (tmp_path / "long.bin").write_bytes(content)
    with (
        serving(tmp_path) as (url, port),
        at_terminal(tmp_path, port) as tom,
        behind_link(url, down=1_500_000) as (linked, link),
    ):
        pia = joined(chromium, linked, "pia")
        tom.type(f"/send {tmp_path / 'long.bin'}\r")
        pia.sees("tom offers long.bin")
        pia.press("Receive")
        pia.wait_until(lambda: bool(re.search(r"[1-9]\d? %", pia.log)), "a part of the file")
        pia.is_cut_off(link)
        pia.sees("saved")
        pia.wait_until((downloads / "long.bin").exists, "the file among the downloads")
        assert (downloads / "long.bin").read_bytes() == content
        assert link.passed["down"] < 9 * MIB  # it did not begin again


def test_an_offer_is_declined_and_what_has_begun_is_cancelled(chromium: Chrome, downloads: Path, tmp_path: Path) -> None:
    for name in ("one.bin", "two.bin"):
        (tmp_path / name).write_bytes(os.urandom(3 * MIB))
    with (
        serving(tmp_path) as (url, port),
        at_terminal(tmp_path, port) as tom,
        behind_link(url, down=300_000) as (linked, _link),
    ):
        pia = joined(chromium, linked, "pia")
        tom.type(f"/send {tmp_path / 'one.bin'} @pia\r")
        pia.sees("tom offers one.bin")
        assert pia.buttons() == ["Receive", "Decline"]
        pia.press("Decline")
        pia.sees("declined")
        tom.until("[pia] declines one.bin")
        tom.type(f"/send {tmp_path / 'two.bin'} @pia\r")
        pia.sees("tom offers two.bin")
        pia.press("Receive")
        pia.wait_until(lambda: bool(re.search(r"[1-9]\d? %", pia.log)), "a part of the file")
        assert pia.buttons() == ["Cancel"]
        assert chromium.switch_to.active_element.text == "Cancel"
        pia.press("Cancel")
        pia.sees("cancelled")
        tom.until("[pia] does not want two.bin any more.")
        assert pia.buttons() == []
        assert chromium.execute_script(ASKS) is False  # type: ignore[no-untyped-call]
        pia.say("/who")
        pia.sees("SHA256:")
        assert not (downloads / "two.bin").exists()


def test_an_offer_that_was_declined_is_not_made_again_after_a_cut_and_one_that_is_withdrawn_has_no_buttons(
    chromium: Chrome, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "two.txt").write_text("two")
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom, behind_link(url) as (linked, link):
        pia = joined(chromium, linked, "pia")
        for name in ("one.txt", "two.txt"):
            tom.type(f"/send {tmp_path / name}\r")
            pia.sees(f"tom offers {name}")
        pia.all("#log li button")[1].click()
        pia.wait_until(lambda: pia.log.count("declined") == 1, "that it is declined")
        tom.until("[pia] declines one.txt")
        pia.is_cut_off(link)
        pia.wait_until(lambda: pia.text("status") == "Connected.", "that it is back")
        tom.type("and on\r")
        pia.sees("and on")
        assert (pia.log.count("offers one.txt"), pia.log.count("offers two.txt")) == (1, 1)
        assert pia.buttons() == ["Receive", "Decline"]
        tom.type("/cancel 2\r")
        pia.sees("not offered any more")
        assert pia.buttons() == []


def test_what_the_page_cannot_receive_is_shown_with_what_can(chromium: Chrome, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"one")
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        tom.type(f"/send {tmp_path / 'photos'}\r")
        pia.sees("It is a folder: only the program chat can receive it.")
        offer = "{ sender: { name: 'tom' }, file: { name: 'a log', size: null, hash: 'blake2b', root: '' } }"
        chromium.execute_script(f"new Files({{}}, {{ add: (row) => byId('log').append(row) }}).offered(null, {offer})")  # type: ignore[no-untyped-call]
        pia.sees("tom offers a log (size unknown). Only the program chat can receive it.")
        assert pia.all("#log li button") == []


def test_a_screen_reader_is_told_how_a_file_ends_and_not_every_step(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        pia = joined(chromium, url, "pia")
        pia["file"].send_keys(str(Path(__file__)))
        pia.sees("You offer")
        script = "const row = new Files({}, { add: (row) => byId('log').append(row) }).row('a film'); row(arguments[0])"
        for words, live in (("7 %", "off"), ("7 % sent", "off"), ("saved", "polite")):
            chromium.execute_script(script, words)  # type: ignore[no-untyped-call]
            assert pia.all("#log small")[-1].get_attribute("aria-live") == live


ASKS = "const event = new Event('beforeunload', { cancelable: true }); dispatchEvent(event); return event.defaultPrevented"


def test_a_browser_asks_before_it_leaves_a_page_with_a_file_on_its_way(chromium: Chrome, downloads: Path, tmp_path: Path) -> None:
    """And when the page is loaded again all the same, the file is offered once more."""
    (tmp_path / "way.bin").write_bytes(os.urandom(2 * MIB))
    with (
        serving(tmp_path) as (url, port),
        at_terminal(tmp_path, port) as tom,
        behind_link(url, down=700_000) as (linked, _link),
    ):
        pia = joined(chromium, linked, "pia")
        tom.type(f"/send {tmp_path / 'way.bin'}\r")
        pia.sees("tom offers way.bin")
        assert chromium.execute_script(ASKS) is False  # type: ignore[no-untyped-call]
        pia.press("Receive")
        pia.wait_until(lambda: bool(re.search(r"[1-9]\d? %", pia.log)), "a part of the file")
        assert chromium.execute_script(ASKS) is True  # type: ignore[no-untyped-call]
        pia.reload()
        assert receive(pia, downloads, "way.bin", "tom offers way.bin") == (tmp_path / "way.bin").read_bytes()
        assert chromium.execute_script(ASKS) is False  # type: ignore[no-untyped-call]


def test_a_file_that_is_chosen_while_the_server_is_away_is_told_and_can_be_chosen_later(chromium: Chrome, tmp_path: Path) -> None:
    with ExitStack() as servers:
        first, url = servers.enter_context(restarted(tmp_path, 0))
        pia = joined(chromium, url, "pia")
        first.process.kill()
        pia.wait_until(lambda: "Trying again" in pia.text("status"), "that nobody answers")
        pia["file"].send_keys(str(Path(__file__)))
        pia.sees("The connection was cut.")
        servers.enter_context(restarted(tmp_path, urlsplit(url).port or 0))
        pia.wait_until(lambda: pia.text("status") == "Connected.", "that it is back")
        pia["file"].send_keys(str(Path(__file__)))
        pia.sees("You offer test_page_files.py")


def test_a_page_that_is_loaded_again_goes_on_with_the_file_that_it_offered(chromium: Chrome, tmp_path: Path) -> None:
    content = os.urandom(6 * MIB)
    (tmp_path / "long.bin").write_bytes(content)
    (tmp_path / "into").mkdir()
    with (
        serving(tmp_path) as (url, port),
        at_terminal(tmp_path, port, "tom", "--into", str(tmp_path / "into")) as tom,
        behind_link(url, up=1_500_000) as (linked, _link),
    ):
        pia = joined(chromium, linked, "pia")
        pia["file"].send_keys(str(tmp_path / "long.bin"))
        tom.until("[pia] offers long.bin")
        tom.type("/accept\r")
        pia.wait_until(lambda: "% sent" in pia.log, "a part of the file")
        pia.reload()
        tom.until("long.bin is interrupted")
        pia.sees("You are pia in lobby.")
        pia["file"].send_keys(str(tmp_path / "long.bin"))
        tom.until("from [pia] has arrived")
        assert (tmp_path / "into" / "long.bin").read_bytes() == content
