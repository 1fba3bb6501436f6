"""Somebody in front of the web page, in a real browser: joins, says something, and waits for what the page shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from slow_links import Link, slow_link

PATIENCE = 120.0  # seconds, which only a failure uses up


def wait_for(driver: WebDriver, happens: Callable[[], object], what: str) -> None:
    """Look again and again, also while the page replaces what is looked at."""
    waiting = WebDriverWait(driver, PATIENCE, 0.05, (StaleElementReferenceException,))
    waiting.until(lambda _: happens(), f"never came: {what}")


@contextmanager
def behind_link(url: str, **rates: int) -> Iterator[tuple[str, Link]]:
    """A page's URL through a slow link, and the link; `rates` are those of `slow_link`."""
    port = int(url.partition("/#")[0].rpartition(":")[2])
    with slow_link(port, **rates) as link:
        yield url.replace(str(port), str(link.port)), link


def forget_window(driver: WebDriver) -> None:
    """Let the page in this window, if any, forget everything with which it could return."""
    driver.execute_script("if (typeof kept === 'object') kept = {}")  # type: ignore[no-untyped-call]


class PageUser:
    """One window of a browser, at this page."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver = driver
        forget_window(driver)
        driver.get(url)
        self.is_ready()

    def is_ready(self) -> None:
        self.wait_until(lambda: bool(self.text("own") or self.fault), "the page is ready")

    def reload(self) -> None:
        """Load the page again: it comes back as the member that it was."""
        self.driver.refresh()
        self.is_ready()

    def forget(self) -> None:
        """Load the page again as a window that was never here."""
        forget_window(self.driver)
        self.reload()

    def __getitem__(self, id: str) -> WebElement:
        return self.driver.find_element(By.ID, id)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, id: str) -> str:
        """The text of a part of the page, also where that cannot be seen."""
        return self[id].get_attribute("textContent") or ""

    @property
    def fault(self) -> str:
        return self["fault"].text

    @property
    def log(self) -> str:
        return self["log"].text

    def join(self, address: str = "", answer: str = "yes", **fields: str) -> None:
        """Fill in the form and send it; `answer` is to the question about the server's key."""
        self.wait_until(lambda: self["form"].is_displayed(), "the form")
        for id, value in {**fields, **({"address": address} if address else {})}.items():
            self[id].clear()
            self[id].send_keys(value)
        self.driver.find_element(By.CSS_SELECTOR, "#form button").click()
        if answer:
            self.wait_until(lambda: self["ask"].is_displayed(), "the question about the key")
            self.driver.find_element(By.CSS_SELECTOR, f"#ask button[value={answer}]").click()

    def buttons(self) -> list[str]:
        """What the buttons in the log say."""
        return [button.text for button in self.all("#log li button")]

    def press(self, text: str) -> None:
        """Press the last button in the log that says this."""
        next(button for button in reversed(self.all("#log li button")) if button.text == text).click()

    def say(self, line: str) -> None:
        self["line"].send_keys(line, Keys.ENTER)

    def sees(self, text: str) -> str:
        """Wait until this is in the log."""
        self.wait_until(lambda: text in self.log, repr(text))
        return self.log

    def is_cut_off(self, link: Link) -> None:
        """Cut its connection, wait until it tries again, and let it."""
        link.cut()
        self.wait_until(lambda: "Trying again" in self.text("status"), "that the connection was cut")
        link.cut(False)

    def is_refused(self) -> str:
        """Wait until the page is back at its form, and why."""
        self.wait_until(lambda: bool(self.fault), "a refusal")
        return self.fault

    def wait_until(self, happens: Callable[[], bool], what: str) -> None:
        wait_for(self.driver, happens, what)
