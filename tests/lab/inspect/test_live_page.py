"""The inspector as a page that follows a server, in a real browser: beside two programs that talk, and by what it answers."""

import http.client
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from browser import browser
from msgspec.structs import replace
from page_user import wait_for
from people import environment
from programs import started
from selenium.webdriver.common.by import By

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect import live_page
from plytalk.lab.inspect.live_page import LivePage
from plytalk.plugins.web.http_head import read_head

BEGIN = TraceEvent("session", "", "started", b"", {"role": "server", "peer": "127.0.0.1:1", "secrecy": "none"}, 50.0, "one")


def said(text: str, at: float, group: str = "one") -> list[TraceEvent]:
    raw = text.encode()
    spans = [Span("text", 0, len(raw), text)]
    return [
        TraceEvent("framer", "in", "", raw, {}, at, group),
        TraceEvent("messages", "in", "plaintext", raw, {}, at, group, spans),
    ]


def asked(page: LivePage, path: str) -> tuple[HTTPStatus, Any]:
    answer = page.answer(read_head(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()))
    is_json = answer.content_type == "application/json"
    return answer.status, json.loads(answer.body) if is_json else answer.body


def feed(page: LivePage, *events: TraceEvent) -> None:
    for event in events:
        page(event)


def test_what_is_new_is_given_from_where_the_page_has_come() -> None:
    page = LivePage()
    assert asked(page, "/frames/0/0")[1]["frames"] == []
    feed(page, BEGIN, *said("first", 50.5))
    _, news = asked(page, "/frames/0/0")
    assert [(frame["time"], frame["text"]) for frame in news["frames"]] == [(0.0, ""), (0.5, "first")]
    feed(page, *said("second", 51.0))
    _, more = asked(page, f"/frames/2/{len(news['strings'])}")
    assert [frame["text"] for frame in more["frames"]] == ["second"]
    assert more["strings"] == []
    assert more["full"] == ""


def test_it_has_no_keys() -> None:
    page = LivePage()
    feed(page, BEGIN, replace(BEGIN, layer="keys", what="session key", data=b"K" * 32), replace(BEGIN, layer="schedule"))
    assert len(asked(page, "/frames/0/0")[1]["frames"]) == 1


@pytest.mark.parametrize("path", ["/frames/1/0", "/frames/-1/0", "/frames/x/0", "/frames/0", "/frames/0/0/", "/page.css", "//"])
def test_nothing_else_is_there(path: str) -> None:
    assert asked(LivePage(), path)[0] is HTTPStatus.NOT_FOUND


def test_it_keeps_so_many_frames_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_page, "MOST", 5)
    monkeypatch.setattr(live_page, "AT_ONCE", 3)
    page = LivePage()
    feed(page, BEGIN, *(event for number in range(9) for event in said(str(number), 51.0)))
    assert [len(asked(page, f"/frames/{at}/0")[1]["frames"]) for at in (0, 3, 5)] == [3, 2, 0]
    assert asked(page, "/frames/5/0")[1]["full"] == "No more than 5 frames are shown."


def test_conversations_are_told_apart_also_when_their_facts_are_gone() -> None:
    page = LivePage()
    for number in range(20):
        feed(page, replace(BEGIN, group=str(number), fields={"role": "server", "peer": f"127.0.0.1:{number}"}))
    _, news = asked(page, "/frames/0/0")
    assert [news["talks"][frame["talk"]]["peer"] for frame in news["frames"]] == [f"127.0.0.1:{number}" for number in range(20)]


def test_the_page_follows_two_programs_that_talk(tmp_path: Path) -> None:
    arguments = ("--profile", "demo01", "--web", "127.0.0.1:0", "--web-inspect", "--keep")
    with started("serve", *arguments, environment=environment(tmp_path / "server")) as server, browser() as driver:
        url = server.tells("Open in a browser:  ").split()[-1]
        line = server.tells("The other side connects with:  ").split()[-4:]
        driver.get(url)

        def text(place: str) -> str:
            return driver.find_element(By.ID, place).text

        wait_for(driver, lambda: text("detail") == "Nobody has connected yet.", "the empty page")
        with started(*line, environment=environment(tmp_path / "client")) as client:
            client.say("meet me at <b>nine</b>")
            wait_for(driver, lambda: "meet me at <b>nine</b>" in text("rows"), "what was said")
            server.say("I will be there")
            wait_for(driver, lambda: "I will be there" in text("rows"), "the answer")
            wait_for(driver, lambda: len({*text("place").split()} - {"of"}) == 1, "the last frame, at which the page stays")

            def shows_the_first_line() -> bool:
                driver.find_element(By.XPATH, "//*[@id='rows']//*[contains(text(), 'meet me')]").click()
                return "Eve reads it as it was typed" in text("detail")

            wait_for(driver, shows_the_first_line, "the row that is clicked, which the page may draw again meanwhile")
            place = text("place").split()[0]
            client.say("and again")
            wait_for(driver, lambda: "and again" in text("rows"), "what is said while the page is elsewhere")
            assert text("place").split()[0] == place
        assert driver.find_elements(By.CSS_SELECTOR, "#rows b b") == []
        complaints = [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]]  # type: ignore[no-untyped-call]
        assert complaints == []
        asking = http.client.HTTPConnection(url.split("/")[2], timeout=180)
        asking.request("GET", "/page.js")
        assert asking.getresponse().status == 404
