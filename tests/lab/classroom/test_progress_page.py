"""The page of a class: its files, its policy, the names by which it is asked, and what Chromium shows of hostile names."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from browser import browser
from class_page import served, shown, state_of, student
from selenium.webdriver.common.by import By

from plytalk.core.io.address import Address
from plytalk.lab.classroom.progress_page import FILES, STATE, ProgressPage
from plytalk.plugins.small_http import OWN_FILES_ONLY, HttpRequest

MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


STUDENTS = [
    student("erin", key="SHA256:" + "e" * 43, here=True, marks={"1": "right", "2": "wrong", "3": "not run"}, hints={"2": 1}),
    student("frank", other_key="SHA256:" + "f" * 43),
    student(MARKUP, key=MARKUP),
]


def state() -> dict[str, object]:
    return state_of(STUDENTS)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(state) as place:
        yield place


@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_the_class_and_runs_nothing_of_a_name(address: str, dark: bool) -> None:
    with browser(dark=dark) as driver:
        text = shown(driver, address)
        assert "1 of 3 here" in text
        assert MARKUP in text
        assert "another key is here" in text
        assert driver.title == "Class"
        assert driver.find_elements(By.TAG_NAME, "img") == []
        marks = [(one.text, one.get_attribute("class")) for one in driver.find_elements(By.CSS_SELECTOR, "td .mark")]
        assert marks == [("✓", "mark right"), ("✗", "mark wrong"), ("?", "mark run")]
        assert [one.text for one in driver.find_elements(By.CSS_SELECTOR, "td .hints")] == ["+1"]
        assert driver.execute_script("return document.documentElement.scrollWidth <= 1280")
        assert [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]] == []
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(23, 24, 28)" if dark else "rgb(255, 255, 255)")


def test_a_class_of_thirty_fits_a_projector(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        globals(), "STUDENTS", [student(f"student-{number}", key="SHA256:x", marks={"1": "right"}) for number in range(30)]
    )
    with browser() as driver:
        shown(driver, address)
        assert driver.execute_script("return document.querySelector('table').getBoundingClientRect().bottom") <= 720


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    page = ProgressPage(Address("127.0.0.1", 80), state)
    page._names = {"127.0.0.1:80"}
    for path in (*FILES, STATE):
        answer = page.answer(HttpRequest(path, "127.0.0.1:80"))
        assert answer.status is HTTPStatus.OK
        assert answer.headers == OWN_FILES_ONLY
    policy = OWN_FILES_ONLY["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert page.answer(HttpRequest("/etc/passwd", "127.0.0.1:80")).status is HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("listens", "host", "is_ours"),
    [
        ("127.0.0.1", "127.0.0.1:80", True),
        ("127.0.0.1", "localhost:80", True),
        ("127.0.0.1", "evil.example:80", False),
        ("127.0.0.1", "192.0.2.7:80", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.0.2.7:80", True),
        ("0.0.0.0", "evil.example:80", False),
        ("::", "[2001:db8::1]:80", True),
    ],
)
def test_a_name_that_is_not_the_servers_is_refused(listens: str, host: str, is_ours: bool) -> None:
    page = ProgressPage(Address(listens, 80), state)
    page._names = {f"{listens}:80", "localhost:80"}
    answer = page.answer(HttpRequest("/state.json", host))
    assert answer.status is (HTTPStatus.OK if is_ours else HTTPStatus.MISDIRECTED_REQUEST)


def test_it_says_where_it_is_and_who_can_read_it() -> None:
    async def said(host: str) -> str:
        page = ProgressPage(Address(host, 0), state)
        try:
            return await page.listen()
        finally:
            page.close()

    assert "Anyone" not in asyncio.run(said("127.0.0.1"))
    assert "Anyone who can reach that address" in asyncio.run(said("0.0.0.0"))
