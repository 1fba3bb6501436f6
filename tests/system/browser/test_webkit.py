"""The web page in WebKit, the engine of Safari: with a page in Chromium and a person at a terminal."""

import os
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser
from webkit import webkit

from tests.system.browser.test_page import at_terminal, serving

pytestmark = pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")  # selenium warns of itself


def test_it_talks_gets_a_file_and_is_the_same_member_when_it_is_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "film.bin").write_bytes(os.urandom(600_000))
    with (
        serving(tmp_path, "--suite", "any") as (url, port),
        webkit() as driver,
        browser() as chromium,
        at_terminal(tmp_path, port) as tom,
    ):
        pia, kim = PageUser(driver, url), PageUser(chromium, url)
        pia.join(name="pia", answer="")
        pia.sees("You are pia in lobby.")
        kim.join(name="kim", answer="")
        kim.sees("You are kim in lobby.")
        pia.say("<b>good morning</b>")
        tom.until("pia: <b>good morning</b>")
        kim.sees("<b>good morning</b>")
        kim.say("/msg pia between us")
        assert "to you alone" in pia.sees("between us")
        tom.type(f"/send {tmp_path / 'film.bin'} @pia\r")
        pia.sees("tom offers film.bin (600.0 kB).")
        pia.press("Receive")
        pia.sees("saved")
        tom.until("[pia] has received film.bin")
        own = pia.text("own")
        pia.reload()
        pia.sees("You are pia in lobby.")
        assert pia.text("own") == own
        pia.say("here again")
        tom.until("pia: here again")


def test_it_is_told_where_a_server_asks_for_more_than_it_has(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _), webkit() as driver:
        page = PageUser(driver, url)
        page.join(answer="")
        assert "This browser lacks that: use Chromium or the program chat." in page.is_refused()
