"""What the page shows, to those who see it and to those who have it read: long backlogs, other scripts, and small screens."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import browser
from page_user import PageUser
from people import environment
from programs import connect, started
from selenium.webdriver import Chrome

from tests.system.browser.test_page import at_terminal, joined, restarted, serving

FAST = "const every = setInterval; globalThis.setInterval = (step, time) => every(step, time / 100);"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser(390, 844) as driver:
        yield driver


def test_ten_thousand_earlier_messages_are_shown_at_once_up_to_their_end(chromium: Chrome, tmp_path: Path) -> None:
    options = ("--backlog", "10000", "--rate", "0")
    with serving(tmp_path, *options) as (url, port):
        with connect(port, "--accept-new", environment=environment(tmp_path / "bot")) as bot:
            for number in range(10_000):
                bot.say(f"message {number}")
            bot.end_input()
            assert bot.status() == 0
        pia = PageUser(chromium, url)
        pia.join(answer="")
        rows = 'const log = byId("log"); return [log.childElementCount, log.scrollHeight - log.scrollTop - log.clientHeight]'
        pia.wait_until(lambda: chromium.execute_script(rows) == [2000, 0], "the end of the log")  # type: ignore[no-untyped-call]
        assert "message 9999" in pia.text("log")
        assert pia.text("log").endswith("M")  # the time behind "pia is here"


LEFT_OF = """
const text = [...document.querySelectorAll("#log p")].at(-1).firstChild, range = document.createRange();
const left = (at) => (range.setStart(text, at), range.setEnd(text, at + 1), range.getBoundingClientRect().left);
return [left(0), left(text.length - 1)];
"""
"""Where the first and the last character of the last message begin, in pixels."""


def test_a_sentence_from_right_to_left_ends_at_the_left(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        for text, ends_left in (("\u05e9\u05dc\u05d5\u05dd, \u05de\u05d4?", True), ("hello!", False)):
            tom.type(f"{text}\r")
            pia.sees(text)
            first, last = chromium.execute_script(LEFT_OF)  # type: ignore[no-untyped-call]
            assert (last < first) is ends_left


SIDES = """
const [text, time] = byId("log").lastElementChild.childNodes, range = document.createRange();
range.selectNode(text);
return [range.getBoundingClientRect().right, time.getBoundingClientRect().left];
"""
"""Where the text of the last row ends and its time begins, in pixels."""


def test_a_time_stays_together_behind_a_word_from_right_to_left(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        tom.type("/topic \u05dc\u05d7\u05dd\r")
        pia.sees("set the topic")
        word_ends, time_begins = chromium.execute_script(SIDES)  # type: ignore[no-untyped-call]
        assert word_ends <= time_begins


def test_the_end_of_the_log_stays_in_sight_when_the_keyboard_of_a_phone_opens(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        pia = joined(chromium, url, "pia")
        for number in range(40):
            pia.say(f"line {number}")
        pia.sees("line 39")
        below = "return byId('log').lastElementChild.getBoundingClientRect().bottom - byId('write').getBoundingClientRect().top"
        for height in (500, 844):
            size = {"width": 390, "height": height, "deviceScaleFactor": 1, "mobile": False}
            chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            pia.wait_until(lambda: chromium.execute_script("return innerHeight") == height, "the new size")  # type: ignore[no-untyped-call] # noqa: B023
            pia.wait_until(lambda: chromium.execute_script(below) <= 0, "the last line")  # type: ignore[no-untyped-call]


def test_a_member_in_the_list_keeps_the_focus_when_another_comes_or_goes(chromium: Chrome, tmp_path: Path) -> None:
    focused = "return document.activeElement.textContent"
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port):
        pia = joined(chromium, url, "pia")
        pia["people"].click()
        pia.wait_until(lambda: bool(pia.all("#names button")), "the other member")
        chromium.execute_script("document.querySelector('#names button').focus()")  # type: ignore[no-untyped-call]
        with at_terminal(tmp_path, port, "kim"):
            pia.wait_until(lambda: pia.text("names") == "pia (you)tomkim", "the third member")
            assert chromium.execute_script(focused) == "tom"  # type: ignore[no-untyped-call]
        pia.wait_until(lambda: pia.text("names") == "pia (you)tom", "that it has gone")
        assert chromium.execute_script(focused) == "tom"  # type: ignore[no-untyped-call]


def test_fields_stand_out_from_the_page_and_every_colour_from_its_ground(tmp_path: Path) -> None:
    for dark in (False, True):
        with serving(tmp_path) as (url, _), browser(dark=dark) as driver:
            joined(driver, url, "pia")
            found = driver.execute_script(CONTRASTS)  # type: ignore[no-untyped-call]
            assert min(found["texts"]) >= 4.5
            assert found["field"] >= 3


CONTRASTS = """
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const light = (colour) => {
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((part) => ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const row = element("li", "", element("b")), name = row.firstChild;
byId("log").append(row);
const texts = [], ground = (kind) => (row.className = kind, getComputedStyle(row).backgroundColor);
const paper = getComputedStyle(document.body).backgroundColor;
for (const kind of ["", "private", "meant"]) {
  const below = kind ? ground(kind) : paper;
  for (let hue = 0; hue < 360; hue += 5) {
    name.style.setProperty("--hue", hue);
    texts.push(contrast(getComputedStyle(name).color, below));
  }
  for (const colour of ["ink", "faint", "bad"]) {
    name.style.color = `var(--${colour})`;
    texts.push(contrast(getComputedStyle(name).color, below));
    name.style.color = "";
  }
}
row.remove();
return { texts, field: contrast(getComputedStyle(byId("line")).borderTopColor, paper) };
"""
"""The contrasts of texts and of the border of a field, as WCAG 2.2 counts them (but for its nearly black colours)."""


def test_a_clock_that_jumps_cuts_nothing_and_a_server_that_is_silent_is_let_go(tmp_path: Path) -> None:
    """The page looks at its connection a hundred times as often as usual."""
    doors = ("--web", "127.0.0.1:0", "--keep", "--headless", "--ping", "0", "--ws-ping", "0")
    with started("serve", *doors, environment=environment(tmp_path)) as server, browser() as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": FAST})
        pia = joined(driver, server.tells("Open in a browser:  ").split()[-1], "pia")
        for jump in (86_400_000, -86_400_000):
            driver.execute_script("const now = Date.now; Date.now = () => now() + arguments[0]", jump)  # type: ignore[no-untyped-call]
            for number in range(3):  # as many looks
                driver.execute_async_script("setTimeout(arguments[0], 400)")  # type: ignore[no-untyped-call]
                assert pia.text("status") == "Connected."
                pia.say(f"{jump} {number}")
                pia.sees(f"{jump} {number}")
        driver.execute_async_script("setTimeout(arguments[0], 1500)")  # type: ignore[no-untyped-call]
        assert pia.text("status") == "Connected."  # the server answered what the page asked
        server.process.send_signal(signal.SIGSTOP)
        pia.wait_until(lambda: "The server does not answer. Trying again" in pia.text("status"), "that it does not answer")
        server.process.send_signal(signal.SIGCONT)
        pia.wait_until(lambda: pia.text("status") == "Connected.", "that it is back")


LATE = "const wait = setTimeout; globalThis.setTimeout = (step, time) => wait(step, 1000 * time);"


def test_a_window_that_gets_the_focus_tries_again_at_once(tmp_path: Path) -> None:
    """By itself the page waits a thousand times as long as usual."""
    with ExitStack() as servers, browser() as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATE})
        first, url = servers.enter_context(restarted(tmp_path, 0))
        pia = joined(driver, url, "pia")
        first.process.kill()
        pia.wait_until(lambda: "Trying again" in pia.text("status"), "that nobody answers")
        servers.enter_context(restarted(tmp_path, urlsplit(url).port or 0))
        driver.execute_script("dispatchEvent(new Event('focus'))")  # type: ignore[no-untyped-call]
        pia.wait_until(lambda: pia.text("status") == "Connected.", "that it is back")


def test_the_title_names_the_room_only_while_it_is_open(chromium: Chrome, tmp_path: Path) -> None:
    looks_away = "document.dispatchEvent(new Event('visibilitychange')); return document.title"
    with serving(tmp_path) as (url, _):
        pia = joined(chromium, url, "pia")
        assert chromium.execute_script(looks_away) == "lobby \N{EN DASH} plytalk"  # type: ignore[no-untyped-call]
        pia.say("/quit")
        assert pia.is_refused() == "You have left."
        assert chromium.execute_script(looks_away) == "plytalk"  # type: ignore[no-untyped-call]


def test_a_return_leaves_the_focus_where_it_is(chromium: Chrome, tmp_path: Path) -> None:
    with ExitStack() as servers:
        first, url = servers.enter_context(restarted(tmp_path, 0))
        pia = joined(chromium, url, "pia")
        assert chromium.switch_to.active_element == pia["line"]
        chromium.execute_script("byId('leave').focus()")  # type: ignore[no-untyped-call]
        first.process.kill()
        pia.wait_until(lambda: "Trying again" in pia.text("status"), "that nobody answers")
        servers.enter_context(restarted(tmp_path, urlsplit(url).port or 0))
        pia.wait_until(lambda: pia.text("status") == "Connected.", "that it is back")
        assert chromium.switch_to.active_element == pia["leave"]


def test_a_message_that_is_too_long_is_told_and_the_next_one_is_sent(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        chromium.execute_script("byId('line').value = 'x'.repeat(2 ** 20)")  # type: ignore[no-untyped-call]
        pia.say("!")
        pia.sees("A message has at most 1 MiB: send it as a file.")
        pia.say("short")
        tom.until("pia: short")


def test_a_command_for_files_is_answered_with_the_buttons(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        pia = joined(chromium, url, "pia")
        pia.say("/send film.mkv @tom")
        pia.sees("Files have buttons here: File, Receive, Take back.")
        assert "Connect with plytalk" not in pia.log
