"""Windows of one browser, which share a key: each is a member with a name, and each shows what was meant for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser, behind_link
from people import environment
from programs import chat
from selenium.webdriver import Chrome

from tests.system.browser.test_page import at_terminal, joined, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


def rows(page: PageUser, kind: str) -> list[str]:
    """The rows of the log that look like this, each in one line."""
    return [row.text.replace("\n", " ") for row in page.all(f"#log .{kind}")]


def without_time(row: str) -> str:
    return row.replace(row.split(" alone ")[1].split("M ")[0] + "M ", "")


def test_two_windows_with_one_key_are_two_members_and_know_whom_a_message_is_for(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia, first = joined(chromium, url, "pia"), chromium.current_window_handle
        chromium.switch_to.new_window("window")
        pat, second = joined(chromium, url, "pat"), chromium.current_window_handle
        assert pat.text("names") == "pat (you)tompia"
        chromium.switch_to.window(first)
        pia.wait_until(lambda: pia.text("names") == "pia (you)tompat", "the other window among the members")
        assert pia.text("people") == "3 here"
        pia.say("good morning, pat")
        pia.say("/msg pat between us")
        tom.type("/msg pat from tom\r")
        assert [without_time(row) for row in rows(pia, "private")[:1]] == ["pia (you) to pat alone between us"]
        pia.sees("from tom")
        assert "tom to pat alone" in rows(pia, "private")[-1]
        chromium.switch_to.window(second)
        pat.sees("from tom")
        assert "pia to you alone" in rows(pat, "private")[0]
        assert "tom to you alone" in rows(pat, "private")[-1]
        assert "good morning, pat" in rows(pat, "meant")[0]
        pat.say("/nick pet")
        pat.sees("pat is now pet")
        chromium.switch_to.window(first)
        pia.wait_until(lambda: pia.text("names") == "pia (you)tompet", "the new name")
        chromium.switch_to.window(second)
        pat.say("/quit")
        assert pat.is_refused() == "You have left."
        chromium.close()
        chromium.switch_to.window(first)
        pia.wait_until(lambda: pia.text("names") == "pia (you)tom", "that it has gone")
        assert pia.text("people") == "2 here"


def test_join_is_pressed_twice_and_one_member_comes(chromium: Chrome, tmp_path: Path) -> None:
    with (
        serving(tmp_path) as (url, port),
        at_terminal(tmp_path, port) as tom,
        behind_link(url, down=30_000) as (linked, _link),
    ):
        page = PageUser(chromium, linked)
        page["name"].send_keys("pia")
        chromium.execute_script("for (let at = 0; at < 3; at++) byId('join').click()")  # type: ignore[no-untyped-call]
        assert page.text("join") == "Connecting …"
        page.sees("You are pia in lobby.")
        page.say("/who")
        page.sees("SHA256:")
        assert page.text("people") == "2 here"
        tom.until("[pia] is here")
        page.say("/quit")
        assert page.is_refused() == "You have left."
        assert page["join"].text == "Join"


def test_a_window_that_is_loaded_again_comes_back_to_its_room_by_itself_and_another_name_is_another_member(
    chromium: Chrome, tmp_path: Path
) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        pia.say("/join kitchen")
        pia.sees("You are pia in kitchen.")
        pia.reload()
        pia.sees("You are pia in kitchen.")
        assert "You are pia in lobby." not in pia.log
        assert chromium.switch_to.active_element == pia["line"]
        pia["leave"].click()
        assert pia.is_refused() == "You have left."
        assert [pia[id].get_attribute("value") for id in ("name", "room")] == ["pia", "kitchen"]
        pia.join(answer="", name="pat", room="lobby")
        pia.sees("You are pat in lobby.")
        tom.until("[pat] is here")


def test_one_that_has_left_does_not_come_back_by_itself(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _):
        pia = joined(chromium, url, "pia")
        pia["leave"].click()
        assert pia.is_refused() == "You have left."
        pia.reload()
        pia.wait_until(pia["form"].is_displayed, "the form")
        assert pia["join"].text == "Join"


def test_a_page_in_a_file_comes_back_by_itself_and_says_when_nobody_is_there(chromium: Chrome, tmp_path: Path) -> None:
    (tmp_path / "chat.html").write_text(chat("page").stdout)
    with serving(tmp_path, "--origin", "null") as (url, _):
        pia = PageUser(chromium, (tmp_path / "chat.html").as_uri())
        pia.join(url, answer="", name="pia")
        pia.sees("You are pia in lobby.")
        pia.reload()
        pia.sees("You are pia in lobby.")
    pia.wait_until(lambda: "Trying again" in pia.text("status"), "that the server has gone")
    pia.reload()
    assert pia.is_refused() == "Nobody answers there."
    assert pia["name"].get_attribute("value") == "pia"


def test_one_that_was_removed_is_told_why_and_one_that_is_banned_stays_out(chromium: Chrome, tmp_path: Path) -> None:
    operator = chat("keys", "new", environment=environment(tmp_path / "tom"))
    key = operator.stderr.partition("(")[2].partition(")")[0]
    with serving(tmp_path, "--operator", key) as (url, port), at_terminal(tmp_path, port) as tom:
        pia = joined(chromium, url, "pia")
        tom.type("/mute pia\r")
        pia.sees("tom used /mute on pia.")
        pia.say("hm")
        pia.sees("You are muted here: nobody else saw that.")
        tom.type("/unmute pia\r")
        tom.type("/kick pia <b>spam</b>\r")
        assert pia.is_refused() == "The server says: You were removed from the server by tom: <b>spam</b>."
        pia.join(answer="", name="pia")
        pia.sees("You are pia in lobby.")
        tom.type("/ban pia bad\r")
        assert pia.is_refused() == "The server says: You are banned from this server. The reason given: bad."
        pia.join(answer="", name="pia")
        assert pia.is_refused() == "The server says: You are banned from this server."


def test_several_cuts_leave_nothing_out_and_show_nothing_twice(chromium: Chrome, tmp_path: Path) -> None:
    with serving(tmp_path) as (url, port), at_terminal(tmp_path, port) as tom, behind_link(url) as (linked, link):
        pia, said = joined(chromium, linked, "pia"), []
        for number in range(3):
            link.cut()
            pia.wait_until(lambda: "Trying again" in pia.text("status"), "that the connection was cut")
            pia.say(f"to all {number}.")
            tom.type(f"for all {number}.\r")
            tom.until(f"tom: for all {number}.")
            link.cut(False)
            tom.until(f"pia: to all {number}.")
            said += [f"to all {number}.", f"for all {number}."]
        pia.sees(said[-1])
        assert [pia.log.count(line) for line in said] == [1] * 6
        pia.reload()
        pia.sees("earlier messages end here")
        assert [pia.log.count(line) for line in said] == [1] * 6


def test_a_browser_that_keeps_nothing_for_a_window_joins_each_time_as_another_member(tmp_path: Path) -> None:
    forbids = "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    with serving(tmp_path) as (url, _), browser() as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": forbids})
        pia = joined(driver, url, "pia")
        pia.say("here")
        pia.sees("here")
        pia.reload()
        again = joined(driver, url, "pia")
        again.say("here again")
        again.sees("here again")
