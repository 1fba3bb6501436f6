"""The page: stands alone, is stepped through in a real browser, and takes nothing a peer said for markup."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import browser
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.page import page

SECRET = "meet me at nine"
OWNED = "document.title='owned'"
HOSTILE = f'</script><script>{OWNED}</script><img src=x onerror="{OWNED}"><!--\u2028\u2029\u202e{{data}}&lt;'
STACK = {"role": "client", "peer": "127.0.0.1:7591", "framer": "typed", "cipher": "mine", "messages": "text"}
VERSIONS = {"framer_version": "plytalk 1.2.3", "cipher_version": "plytalk-cipher-mine 0.7", "messages_version": "plytalk 1.2.3"}
KEY = bytes(range(0xA0, 0xA4))


def said(text: str, at: float, way: str = "out", group: str = "", sealed: bytes = b"") -> list[TraceEvent]:
    raw, sealed = text.encode(), sealed or b"\xa5" * (len(text) + 3)
    events = [
        TraceEvent("messages", way, "plaintext", raw, {}, at, group, [Span("text", 0, len(raw), text, "what was said")]),
        TraceEvent("cipher", way, "sealed", sealed, {}, at, group, [Span("ciphertext", 0, len(sealed), "", "key, plaintext")]),
        TraceEvent(
            "framer", way, "M", b"M" + sealed, {}, at, group, [Span("type", 0, 1, "M", "a type"), Span("payload", 1, len(sealed))]
        ),
    ]
    return events if way == "out" else events[::-1]


TALK = [
    TraceEvent("session", "", "started", b"", {**STACK, **VERSIONS}, 0.0),
    TraceEvent("handshake", "out", "hello", b"HELLO", {}, 0.25, "", [Span("greeting", 0, 5, "HELLO", "nothing")]),
    TraceEvent("framer", "out", "H", b"HHELLO", {}, 0.25, "", [Span("type", 0, 1, "H"), Span("", 1, 5)]),
    TraceEvent("keys", "", "session key", KEY, {}, 0.5, "", [Span("session key", 0, 4)]),
    *said(SECRET, 75.6),
    *said("I will be there", 76.0, "in"),
    TraceEvent("session", "", "ended", b"You said exit.", {"by": "user"}, 77.0),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


class Opened:
    """A page in the browser, as its user has it."""

    def __init__(
        self, driver: Chrome, folder: Path, events: Sequence[TraceEvent], title: str = "A talk", place: str = ""
    ) -> None:
        self.driver = driver
        file = folder / "page.html"
        file.write_text(page(inspect_frames(events), title), encoding="utf-8")
        driver.get("about:blank")
        driver.get(file.as_uri() + place)

    def type(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    @property
    def rows(self) -> list[str]:
        return [re.sub(r"\s+", " ", text) for text in self.texts(".row")]

    @property
    def chosen(self) -> str:
        [row] = self.texts('.row[aria-selected="true"]')
        return re.sub(r"\s+", " ", row)

    @property
    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))


@pytest.fixture
def opened(chromium: Chrome, tmp_path: Path) -> Opened:
    return Opened(chromium, tmp_path, TALK)


def test_the_page_loads_nothing_and_needs_nothing() -> None:
    html = page(inspect_frames(TALK), "A talk")
    assert "default-src 'none'" in html
    assert "unsafe" not in html
    assert not re.search(r"(src|href)\s*=|@import|url\(|fetch\(|XMLHttp", html)


def test_the_diagram_shows_who_sent_what_when_and_how_much(opened: Opened) -> None:
    assert opened.driver.title == "A talk"
    assert opened.rows == [
        "0.000 s started",
        "0.250 s 6 bytes hello",
        "0.500 s session key",
        f"75.600 s 19 bytes “{SECRET}”",
        "76.000 s 19 bytes “I will be there”",
        "77.000 s ended: You said exit.",
    ]
    assert [re.findall("right|left", row.get_attribute("class")) for row in opened.all(".arrow")] == [
        ["right"],
        ["right"],
        ["left"],
    ]
    assert opened.texts("#lanes > div > span") == ["Alice\nclient, recorded here", "Bob\nserver 127.0.0.1:7591"]


def test_keys_alone_step_search_and_switch_the_view(opened: Opened) -> None:
    assert "started" in opened.chosen
    opened.type(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, "j")
    assert SECRET in opened.chosen
    assert opened.texts("#place") == ["4 of 6"]
    opened.type(Keys.ARROW_LEFT, Keys.ARROW_UP, "k", "k")
    assert "started" in opened.chosen
    opened.type(Keys.END)
    assert "ended" in opened.chosen
    opened.type(Keys.PAGE_UP, "/", *"WILL BE", Keys.ENTER)
    assert "I will be there" in opened.chosen
    opened.type("/", *[Keys.BACKSPACE] * 7, *"a5a5a5", Keys.ENTER)
    assert SECRET in opened.chosen
    opened.type("n")
    assert "I will be there" in opened.chosen
    opened.type("/", *"zz", Keys.ENTER)
    assert opened.texts("#message") == ["“a5a5a5zz” is in no frame."]
    opened.type("e")
    assert opened.driver.find_element(By.CSS_SELECTOR, "#view input:checked").get_attribute("value") == "eve"
    opened.type("e", Keys.TAB)
    assert opened.driver.find_element(By.CSS_SELECTOR, "#view input:checked").get_attribute("value") == "own"


def test_tab_reaches_each_part_of_a_frame_and_marks_its_bytes(opened: Opened) -> None:
    opened.type(*[Keys.ARROW_RIGHT] * 3)
    opened.all("#detail")[0].click()
    opened.type(Keys.TAB, Keys.TAB)
    assert opened.texts(".parts li.on .name") == ["ciphertext"]
    assert [part.text[:5] for part in opened.all(".part.on")] == ["a5 a5"]
    opened.type(Keys.ARROW_DOWN)  # scrolls there, and steps elsewhere
    assert SECRET in opened.chosen


def test_a_click_on_a_frame_and_the_buttons_step(opened: Opened) -> None:
    opened.all(".row")[3].click()
    assert SECRET in opened.chosen
    opened.all("#on")[0].click()
    assert "I will be there" in opened.chosen
    opened.all("#back")[0].click()
    assert SECRET in opened.chosen
    opened.all("#view label")[1].click()
    assert "sealed" in opened.chosen


def test_the_chosen_row_keeps_the_focus_when_the_rows_are_drawn_again(opened: Opened) -> None:
    opened.all(".row")[2].click()
    opened.driver.execute_script("find('rows').querySelector('[aria-selected=true]').focus(); drawRows(); mark()")
    focused = opened.driver.switch_to.active_element
    assert (focused.get_attribute("role"), focused.get_attribute("aria-selected")) == ("option", "true")


def test_plaintext_stands_beside_ciphertext_with_plugins_and_versions(opened: Opened) -> None:
    opened.type(*[Keys.ARROW_RIGHT] * 3)
    plain, cipher, frame = (opened.all(f".card.{kind}")[0] for kind in ("messages", "cipher", "framer"))
    assert plain.rect["y"] == cipher.rect["y"] < frame.rect["y"]
    assert plain.rect["x"] + plain.rect["width"] <= cipher.rect["x"]
    assert opened.texts(".card h3") == [
        "Plaintext\n15 bytes\ntext, from plytalk 1.2.3",
        "Ciphertext\n18 bytes\nmine, from plytalk-cipher-mine 0.7",
        "Frame on the wire\n19 bytes\ntyped, from plytalk 1.2.3",
    ]
    assert plain.find_element(By.CLASS_NAME, "map").text == SECRET.encode().hex(" ")
    assert opened.texts(".messages .parts li") == [f"1\ntext = {SECRET}\nbytes 0-14, made from what was said"]
    assert opened.texts("#detail h2") == ["text Alice → Bob · 75.600 s · 19 bytes on the wire"]
    opened.type(Keys.HOME)
    assert "cipher mine plytalk-cipher-mine 0.7" in opened.texts("#detail table")[0].split("\n")


def test_an_authenticator_that_talks_during_the_handshake_is_named(chromium: Chrome, tmp_path: Path) -> None:
    auths = {"handshake": "plytalk1", "auth": "words,code", "auth_version": "plytalk 1.2.3,plytalk-auth-code 7"}
    begun = TraceEvent("session", "", "started", b"", auths, 0.0)
    step = TraceEvent("handshake", "out", "A", b"A", {"by": "code"}, 0.5)
    Opened(chromium, tmp_path, [begun, step, TraceEvent("framer", "out", "A", b"A", {}, 0.5)], place="#2")
    assert "Handshake\n1 byte\ncode, from plytalk-auth-code 7" in chromium.execute_script("return document.body.innerText")


def test_bytes_without_a_name_are_called_so(opened: Opened) -> None:
    opened.type(Keys.ARROW_RIGHT)
    assert opened.texts(".framer .parts li .name") == ["type = H", "not described"]
    assert len(opened.all(".framer .part.nameless")) == 1


def test_eve_sees_no_words_no_plaintext_and_no_keys(opened: Opened) -> None:
    assert SECRET in opened.text
    opened.type("e", Keys.HOME)
    assert "Eve read 0 of 2 messages and saw 3 frames, 44 bytes" in opened.text
    for _ in range(len(TALK)):
        for secret in (SECRET, "I will be there", SECRET.encode().hex(" "), KEY.hex(" "), "session key", "You said exit"):
            assert secret not in opened.text
        opened.type(Keys.ARROW_RIGHT)
    assert "ended" in opened.chosen
    opened.type("/", *"nine", Keys.ENTER)
    assert opened.texts("#message") == ["“nine” is in no frame."]


@pytest.mark.parametrize("secrecy", [{}, {"secrecy": "none"}])
def test_eve_sees_what_is_not_sealed(chromium: Chrome, tmp_path: Path, secrecy: dict[str, str]) -> None:
    sealed = b"?" * len(SECRET) if secrecy else SECRET.encode()
    opened = Opened(
        chromium, tmp_path, [TraceEvent("session", "", "started", b"", secrecy, 0.0), *said(SECRET, 1.0, sealed=sealed)]
    )
    opened.type("e", Keys.ARROW_RIGHT)
    assert SECRET in opened.chosen
    assert ("keeps nothing secret" if secrecy else "reads it as it was typed") in opened.text
    assert "Eve read 1 of 1 message " in opened.text


def test_the_view_and_the_frame_can_be_in_the_address(chromium: Chrome, tmp_path: Path) -> None:
    opened = Opened(chromium, tmp_path, TALK, place="#4eve")
    assert "sealed" in opened.chosen
    assert opened.texts("#place") == ["4 of 6"]


def test_an_attacker_has_a_lane(chromium: Chrome, tmp_path: Path) -> None:
    def begun(group: str, attacked: str, role: str) -> TraceEvent:
        return TraceEvent("session", "", "started", b"", {**STACK, "role": role, "attacked": attacked}, 0.0, group)

    told = TraceEvent("session", "", "attack", b"read it", {}, 1.0, "attacker 0")
    opened = Opened(
        chromium,
        tmp_path,
        [
            begun("client 0", "client", "server"),
            begun("server 0", "server", "client"),
            *said(SECRET, 1.0, "in", "client 0"),
            told,
            *said("at ten", 2.0, "out", "server 0"),
            *said("fine", 3.0, "in", "server 0"),
        ],
    )
    assert opened.texts("#lanes > div > span") == ["Alice\nclient", "Mallory\nattacker, recorded here", "Bob\nserver"]
    lanes = [opened.all("#lanes > div > span")[at].rect for at in range(3)]
    middle = lanes[1]["x"] + lanes[1]["width"] / 2
    places = [
        (arrow.text, "right" in arrow.get_attribute("class"), arrow.rect["x"] + 20 > middle) for arrow in opened.all(".arrow")
    ]
    assert places == [(f"“{SECRET}”", True, False), ("“at ten”", True, True), ("“fine”", False, True)]
    assert "attack: read it" in opened.texts(".note.attacker")
    assert opened.texts("#own") == ["Mallory's view"]
    opened.type(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert "Mallory reads it" in opened.text
    opened.type("e")
    assert "Mallory reads it" not in opened.text


def test_a_server_s_trace_names_its_connections(chromium: Chrome, tmp_path: Path) -> None:
    begun = [TraceEvent("session", "", "started", b"", {"role": "server"}, 0.0, group) for group in ("", "connection 2")]
    opened = Opened(chromium, tmp_path, [*begun, *said("hello", 1.0, "in"), *said("hi", 1.0, "in", "connection 2")])
    assert opened.texts(".label") == ["“hello”", "connection 2 “hi”"]
    assert opened.texts("#own") == ["Bob's view"]
    assert opened.texts("#lanes > div > span") == ["Alice\nclient", "Bob\nserver, recorded here"]


def test_nothing_a_peer_said_is_markup(chromium: Chrome, tmp_path: Path) -> None:
    facts = dict.fromkeys((*STACK, *VERSIONS, "attacked"), HOSTILE)
    raw = HOSTILE.encode()
    spans = [Span(HOSTILE, 0, len(raw), HOSTILE, HOSTILE)]
    events = [
        TraceEvent("session", "", "started", raw, facts, 0.0, HOSTILE),
        *(TraceEvent(layer, "out", HOSTILE, raw, {}, 1.0, HOSTILE, spans) for layer in ("messages", "cipher", "framer")),
        TraceEvent("session", "", HOSTILE, raw, {HOSTILE: HOSTILE}, 2.0, HOSTILE),
        TraceEvent("keys", "", HOSTILE, raw, {}, 2.0, HOSTILE, spans),
    ]
    html = page(inspect_frames(events), HOSTILE)
    assert HOSTILE not in html
    assert html.count("</script>") == 2
    assert not {"\u2028", "\u2029"} & set(html)
    opened = Opened(chromium, tmp_path, events, HOSTILE)
    for _ in range(len(events)):
        assert opened.all("img") == []
        assert len(opened.all("script")) == 2
        assert opened.driver.title.startswith("</script><script>document.title='owned'")
        opened.type("e", Keys.ARROW_RIGHT, "e")
    assert opened.driver.get_log("browser") == []


def test_a_script_that_is_not_the_page_s_does_not_run(opened: Opened) -> None:
    add = "const s = document.createElement('script'); s.textContent = 'document.title = \"owned\"'; document.body.append(s);"
    opened.driver.execute_script(add)
    assert opened.driver.title == "A talk"
    assert any("Content Security Policy" in entry["message"] for entry in opened.driver.get_log("browser"))


def test_an_empty_trace_is_said_to_be_empty(chromium: Chrome, tmp_path: Path) -> None:
    opened = Opened(chromium, tmp_path, [])
    opened.type(Keys.ARROW_RIGHT, "e", "n", Keys.END)
    assert "This trace is empty" in opened.text
    assert opened.driver.get_log("browser") == []


def test_a_trace_of_100_000_frames_opens_and_is_stepped_through(chromium: Chrome, tmp_path: Path) -> None:
    frames = [event for number in range(100_000) for event in said(f"line {number}", number / 100)]
    opened = Opened(chromium, tmp_path, frames)
    assert len(opened.all(".row")) < 1000
    opened.type(Keys.END)
    assert "“line 99999”" in opened.chosen
    opened.type("/", *"LINE 54321", Keys.ENTER)
    assert "“line 54321”" in opened.chosen
    opened.type(Keys.HOME)
    assert "“line 0”" in opened.chosen
    opened.all(".further")[-1].click()
    assert opened.texts("#place") == ["401 of 100,000"]


def test_long_texts_and_bytes_are_clipped_until_they_are_asked_for(chromium: Chrome, tmp_path: Path) -> None:
    opened = Opened(chromium, tmp_path, said("x" * 60_000, 1.0))
    assert len(opened.text) < 5_000
    opened.all(".messages .whole")[0].click()
    assert opened.all(".messages .part")[0].text == "78 " * 59_999 + "78"


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_from_the_back_of_a_room_in_light_and_dark(tmp_path: Path, dark: bool) -> None:
    with browser(dark=dark) as driver:
        opened = Opened(driver, tmp_path, TALK, place="#4")
        assert driver.execute_script("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
            1280,
            720,
        ]
        found = json.loads(driver.execute_script(READABLE))
        assert min(size for size, _, _ in found) >= 14
        assert [(text, contrast) for _, contrast, text in found if contrast < 4.5] == []
        assert len(found) > 40
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background))) < 200) is dark
        assert opened.all("#detail blockquote")[0].value_of_css_property("font-size") == "24px"


def test_on_a_phone_the_chosen_frame_is_below_the_diagram_and_both_are_as_wide_as_the_screen(tmp_path: Path) -> None:
    with browser(390, 844) as driver:
        opened = Opened(driver, tmp_path, TALK, place="#4")
        diagram, detail = (opened.all(f"#{id}")[0].rect for id in ("diagram", "detail"))
        assert [diagram["width"], detail["width"]] == [390, 390]
        assert detail["y"] > diagram["y"] + diagram["height"] - 2  # their border
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390


READABLE = """
const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = text => text.match(/[\\d.]+/g).map(Number);
const behind = element => {
  for (; element; element = element.parentElement) {
    const colour = numbers(getComputedStyle(element).backgroundColor);
    if (colour.length < 4 || colour[3]) return colour;
  }
};
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement, style = getComputedStyle(element);
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("legend, script, noscript")) continue;
  const [a, b] = [luminance(numbers(style.color)), luminance(behind(element))].sort((x, y) => y - x);
  found.push([parseFloat(style.fontSize), (a + 0.05) / (b + 0.05), walker.currentNode.data]);
}
return JSON.stringify(found);
"""


def test_the_whole_diagram_and_the_chosen_frame_are_printed(chromium: Chrome, tmp_path: Path) -> None:
    opened = Opened(chromium, tmp_path, [event for number in range(60) for event in said(f"line {number}", number)], place="#3")
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        rows, last = opened.all("#rows")[0].rect, opened.all(".row")[-1].rect
        assert last["y"] + last["height"] <= rows["y"] + rows["height"] + 1
        assert opened.all("#detail")[0].rect["y"] >= rows["y"] + rows["height"]
        assert [element.is_displayed() for element in opened.all("#search, footer")] == [False, False]
        assert opened.all("body")[0].value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
