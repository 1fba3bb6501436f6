"""The web page as a member of a room: two of them in a real Chromium, and a person at a terminal."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import browser
from page_user import PageUser, behind_link
from people import environment
from programs import Chat, started, told_address
from screens import Screen, shown
from selenium.webdriver import Chrome, Keys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def another() -> Iterator[Chrome]:
    """Another browser, which has another identity."""
    with browser(390, 844, dark=True) as driver:
        yield driver


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """A room: the URL of its page as the server prints it, and its port for programs."""
    doors = ("--web", "127.0.0.1:0", "--door", "tcp:127.0.0.1:0", "--keep", "--headless")
    with started("serve", *doors, *options, environment=environment(folder / "server")) as server:
        tcp = told_address(server.tells("Listening on "))
        yield server.tells("Open in a browser:  ").split()[-1], int(tcp.rpartition(":")[2])


@contextlib.contextmanager
def at_terminal(folder: Path, port: int, name: str = "tom", *options: str) -> Iterator[Screen]:
    words = ("connect", f"127.0.0.1:{port}", "--accept-new", "--name", name, *options)
    with shown(*words, environment=environment(folder / name)) as screen:
        screen.until(f"You are {name} in lobby")
        yield screen


def joined(driver: Chrome, url: str, name: str) -> PageUser:
    """A page in the room; the link that the server prints names its key, so that nothing is asked."""
    page = PageUser(driver, url)
    page.join(name=name, answer="")
    page.sees(f"You are {name} in lobby.")
    return page


def test_two_pages_and_a_terminal_talk(chromium: Chrome, another: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia, kim = joined(chromium, url, "pia"), joined(another, url, "kim")
        tom.until("[kim] is here")
        tom.type("good morning\r")
        for page in (pia, kim):
            page.sees("good morning")
        pia.say("<b>morning</b> \N{RIGHT-TO-LEFT OVERRIDE}&amp;")
        tom.until(r"pia: <b>morning</b> \u{202e}&amp;")
        assert r"<b>morning</b> \u{202e}&amp;" in kim.sees("morning</b>")
        assert "<b>morning</b>" in pia.sees("pia (you)")
        tom.type("/msg kim between us\r")
        assert "to you alone" in kim.sees("between us")
        kim.say("/msg tom so it is")
        tom.until("kim, to you alone: so it is")
        assert "to tom alone" in kim.sees("so it is")
        tom.type("Pia, are you there?\r")
        pia.sees("are you there?")
        assert [row.text.splitlines()[-1] for row in pia.all("#log .meant")] == ["Pia, are you there?"]
        assert "between us" not in pia.log
        assert kim.all("#log .meant") == []
        assert pia.text("names") == "pia (you)tomkim"
        tom.type("/whois pia\r")
        tom.until(pia.text("own"))
        kim.say("/quit see you")
        pia.sees('kim has left: "see you"')


def test_what_was_said_before_is_told_and_so_is_what_a_command_answers(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path, "--backlog", "10") as (url, port), at_terminal(tmp_path, port) as tom:
        tom.type("/topic Bread\rfirst\r")
        tom.until("tom: first")
        pia = joined(chromium, url, "pia")
        earlier, _, later = pia.sees("earlier messages end here").partition("earlier messages end here")
        assert "first" in earlier
        assert "first" not in later
        pia.wait_until(lambda: pia["topic"].text == "Bread", "the topic")
        pia.say("/nick pat")
        pia.sees("pia is now pat")
        pia.say("/who")
        pia.sees(f"pat, {pia.text('own')}")
        pia.say("/no")
        pia.sees("There is no command /no.")
        pia.say("/join kitchen")
        pia.sees("You are pat in kitchen.")
        assert pia["title"].text == "kitchen"
        pia.say("/quit")
        assert pia.is_refused() == "You have left."
        tom.until("[pat] has left")


def test_a_message_longer_than_a_record_arrives_whole(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port):
        pia, text = joined(chromium, url, "pia"), "long " * 40_000
        address = ("connect", f"127.0.0.1:{port}", "--accept-new", "--ui", "jsonl")
        with started(*address, environment=environment(tmp_path / "tom")) as tom:
            tom.event("you")
            chromium.execute_script("byId('line').value = arguments[0]", text)  # type: ignore[no-untyped-call]
            pia.say("!")
            assert tom.event("message")["text"] == f"{text}!"
            assert pia.sees("long !").count("long ") == 40_000


def test_a_message_of_several_lines_is_one_on_every_screen(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        tom.type("\x1b[200~one\n  two\x1b[201~\r")
        assert "one\n  two" in pia.sees("two")
        tom.type("\x1b[200~/msg pia three\nfour\x1b[201~\r")
        assert "three\nfour" in pia.sees("four")
        chromium.execute_script("byId('line').value = 'five\\n\\n/nick six\\n'")  # type: ignore[no-untyped-call]
        pia["line"].send_keys(Keys.ENTER)
        tom.until("/nick six")
        assert [row.partition("pia: ")[2] or row.strip() for row in tom.rows[-3:-1]] == ["five", "/nick six"]
        assert pia.text("names") == "pia (you)tom"


def test_it_comes_back_after_a_cut_and_nothing_is_lost_or_said_twice(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom, behind_link(url) as (linked, link):
        pia = joined(chromium, linked, "pia")
        pia.say("before")
        tom.until("pia: before")
        link.cut()
        pia.wait_until(lambda: "Trying again" in pia.text("status"), "that the connection was cut")
        tom.type("while you were away\r")
        tom.until("tom: while you were away")
        pia.say("typed while away")
        assert "will be sent later" in pia.text("status")
        link.cut(False)
        pia.sees("typed while away")
        tom.until("pia: typed while away")
        pia.say("after")
        tom.until("pia: after")
        said = ["before", "while you were away", "typed while away", "after"]
        assert [pia.sees("after").count(line) for line in said] == [1, 1, 1, 1]


def test_what_was_typed_while_the_server_was_away_is_said_to_the_one_that_was_started_again(
    chromium: Chrome, tmp_path: Path
) -> None:
    with ExitStack() as servers:
        first, url = servers.enter_context(restarted(tmp_path, 0))
        pia = joined(chromium, url, "pia")
        pia.say("before")
        pia.sees("before")
        first.process.kill()
        pia.wait_until(lambda: "Trying again" in pia.text("status"), "that nobody answers")
        pia.say("typed while it was away")
        servers.enter_context(restarted(tmp_path, urlsplit(url).port or 0))
        pia.sees("typed while it was away")
        assert "may be lost" not in pia.log  # only what may have been said to the first server could be
        assert "The server was restarted: some of what was said is missing here." in pia.log


@contextlib.contextmanager
def restarted(folder: Path, port: int) -> Iterator[tuple[Chat, str]]:
    """A server with a page at a port, which keeps its key; and its URL."""
    arguments = ("--web", f"127.0.0.1:{port}", "--keep", "--headless")
    with started("serve", *arguments, environment=environment(folder / "server")) as server:
        yield server, server.tells("Open in a browser:  ").split()[-1]


CANNOT_KEEP = {
    "throws": "indexedDB.open = () => { throw new Error('no') }",
    "keeps no keys": "IDBObjectStore.prototype.put = () => { throw new DOMException('no clone', 'DataCloneError') }",
    "is full": (
        "const put = IDBObjectStore.prototype.put; IDBObjectStore.prototype.put = function (...all) "
        "{ const request = put.apply(this, all); this.transaction.abort(); return request; }"
    ),
}


@pytest.mark.parametrize("way", CANNOT_KEEP)
def test_a_browser_that_keeps_nothing_joins_and_is_told_that_its_key_is_forgotten(way: str, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _), browser() as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CANNOT_KEEP[way]})
        page = joined(driver, url, "pia")
        assert page.text("kept") == "This window forgets it."


def test_the_list_of_members_on_a_phone_says_whether_it_is_open(another: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port):
        pia = joined(another, url, "pia")
        pia.wait_until(lambda: bool(pia.all("#names button")), "the other member")
        assert pia["people"].get_attribute("aria-expanded") == "false"
        pia["people"].click()
        assert pia["people"].get_attribute("aria-expanded") == "true"
        pia.all("#names button")[0].click()
        assert pia["people"].get_attribute("aria-expanded") == "false"


def test_a_window_made_out_of_another_is_another_member(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia, first = joined(chromium, url, "pia"), chromium.current_window_handle
        chromium.execute_script("window.open(location.href)")  # type: ignore[no-untyped-call]
        [second] = set(chromium.window_handles) - {first}
        chromium.switch_to.window(second)
        joined(chromium, url, "pat").say("from the second")
        tom.until("pat: from the second")
        chromium.switch_to.window(first)
        pia.sees("from the second")
        pia.say("from the first")
        tom.until("pia: from the first")
        chromium.switch_to.window(second)
        chromium.close()
        chromium.switch_to.window(first)


def test_one_that_has_left_can_join_again(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path, "--backlog", "10") as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        pia.say("the first time")
        tom.until("pia: the first time")
        pia["leave"].click()
        assert pia.is_refused() == "You have left."
        pia.join(answer="")
        pia.wait_until(lambda: "earlier messages end here" in pia.log, "the room")
        assert pia.log.count("the first time") == 1
        assert "missing" not in pia.log


def test_a_page_that_is_loaded_again_is_the_same_member(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        pia.say("before")
        tom.until("pia: before")
        own = pia.text("own")
        pia.reload()
        assert "before" in pia.sees("earlier messages end here")
        assert "You are pia in lobby." in pia.log
        assert pia.text("own") == own
        pia.say("after")
        tom.until("pia: after")


def asked_for(driver: Chrome) -> set[str]:
    """The hosts and ports that the browser asked for anything since this was called before."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]  # type: ignore[no-untyped-call]
    requests = [
        event["params"] for event in events if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
    ]
    return {urlsplit(one.get("url") or one["request"]["url"]).netloc for one in requests}


def test_nothing_is_asked_of_anybody_else(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom, browser(logs=["performance"]) as driver:
        asked_for(driver)
        pia = joined(driver, url, "pia")
        tom.type("see <img src=https://example.org/x.png> https://example.org/ //example.org\r")
        pia.sees("example.org/x.png")
        pia.say("/msg tom https://example.org/")
        pia.sees("to tom alone")
        pia.say("/quit")
        assert pia.is_refused() == "You have left."
        assert asked_for(driver) == {urlsplit(url).netloc}


def test_a_server_with_another_key_than_before_is_refused(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        plain = url.partition("#")[0]
        page = PageUser(chromium, plain)
        page.join(answer="no")
        assert page.is_refused() == "You said no to the server's key."
        wrong = PageUser(chromium, f"{url[:-3]}AAA")
        chromium.refresh()
        wrong.join(answer="")
        assert "as this link has it" in wrong.is_refused()
        joined(chromium, url, "pia")
    port = plain.rpartition(":")[2].strip("/")
    with serving(tmp_path / "other", "--web", f"127.0.0.1:{port}"):
        page = PageUser(chromium, plain)
        page.join(answer="")
        assert "as before" in page.is_refused()
        page["forget"].click()
        page.wait_until(lambda: not page["forget"].is_displayed(), "that it is forgotten")
        page.join(answer="yes")
        page.sees("in lobby.")


def test_a_code_is_typed_and_a_wrong_one_is_told(chromium: Chrome, tmp_path: Path) -> None:
    options = ("--web", "127.0.0.1:0", "--keep", "--headless", "--code")
    with started("serve", *options, environment=environment(tmp_path)) as server:
        code = server.tells("The one-time code is ").split("code is ")[1].split(".")[0]
        url = server.tells("Open in a browser:  ").split()[-1]
        page = PageUser(chromium, url)
        page.join(answer="")
        assert page.is_refused() == "This server asks for a one-time code."
        page.join(answer="", code="1-aback-aback")
        page.wait_until(lambda: "The code is wrong" in page.fault, "that the code is wrong")
        page.join(answer="", code=code.replace("-", " ").upper(), name="pia")
        page.sees("You are pia in lobby.")


def test_a_pre_shared_key_is_typed_and_a_wrong_one_is_told(chromium: Chrome, tmp_path: Path) -> None:
    key = os.urandom(32).hex()
    (tmp_path / "psk").write_text(f"{key}\n")
    (tmp_path / "psk").chmod(0o600)
    with serving(tmp_path, "--psk-file", str(tmp_path / "psk")) as (url, _), behind_link(url) as (linked, link):
        page = PageUser(chromium, linked)
        page.join(answer="", code="1-aback-aback")
        assert page.is_refused() == "This server asks for a pre-shared key."
        page.join(answer="", code="0" * 64)
        page.wait_until(lambda: page.fault == "The key is wrong, or someone is between you.", "that the key is wrong")
        page.join(answer="", code=key.upper(), name="pia")
        page.sees("You are pia in lobby.")
        assert page["code"].get_attribute("value") == ""
        page.is_cut_off(link)
        page.wait_until(lambda: page.text("status") == "Connected.", "that it is back")
        page.say("the key still fits")
        page.sees("the key still fits")


def test_a_server_that_compares_words_is_left_with_a_sentence(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path, "--words") as (url, _):
        page = PageUser(chromium, url)
        page.join(answer="")
        assert page.is_refused() == "The server waits. If it asks for three words, use the program chat."


def test_a_long_name_of_a_room_leaves_the_buttons_on_a_phone_as_they_are(another: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        page, room = joined(another, url, "pia"), "a-room-with-a-name-as-long-as-it"
        before = [page[id].size for id in ("people", "leave")]
        page.say(f"/join {room}")
        page.sees(f"You are pia in {room}.")
        assert [page[id].size for id in ("people", "leave")] == before
