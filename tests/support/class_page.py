"""The page of a class, served in a thread beside a browser's driver, for a state of one's choice."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from plytalk.core.io.address import Address
from plytalk.lab.classroom.exercise_book import EXERCISES
from plytalk.lab.classroom.progress_page import ProgressPage


def student(name: str, **more: object) -> dict[str, object]:
    """A student as the page is told of one."""
    known: dict[str, object] = {"room": "r", "key": "", "here": False, "other_key": "", "marks": {}, "hints": {}}
    return {"name": name, **known, **more}


def state_of(students: list[dict[str, object]]) -> dict[str, object]:
    return {"exercises": [one.title for one in EXERCISES], "students": students}


@contextmanager
def served(state: Callable[[], Mapping[str, Any]]) -> Iterator[str]:
    """The address of the page."""
    loop, page = asyncio.new_event_loop(), ProgressPage(Address("127.0.0.1", 0), state)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        said = asyncio.run_coroutine_threadsafe(page.listen(), loop).result(30)
        yield said.removeprefix("The page of the class: ")
    finally:
        loop.call_soon_threadsafe(page.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def shown(driver: Chrome, address: str) -> str:
    """The text of the page, once it has the state."""
    driver.get(address)
    WebDriverWait(driver, 180).until(lambda one: "here" in one.find_element(By.ID, "summary").text)
    return str(driver.find_element(By.TAG_NAME, "body").text)
