"""A real WebKit, the engine of Safari, on a screen in memory: `with webkit() as driver: driver.get(...)`."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import WebKitGTK
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

LIBRARIES = Path("/usr/lib")


@contextmanager
def webkit() -> Iterator[WebKitGTK]:
    """A browser. The test is skipped where none is installed."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    program = next(LIBRARIES.glob("*/webkit2gtk-4.*/MiniBrowser"), None)
    if not (driver and screen and program):
        pytest.skip("WebKit and a screen in memory are not installed (Debian packages webkit2gtk-driver and xvfb)")
    options = Options()
    options.binary_location = str(program)
    options.add_argument("--automation")
    with in_memory(screen) as display:
        found = WebKitGTK(options, Service(driver, env={"DISPLAY": display, "HOME": "/nonexistent"}))
        try:
            yield found
        finally:
            found.quit()


@contextmanager
def in_memory(program: str) -> Iterator[str]:
    """A screen, by the name that DISPLAY has for it; the program chooses a free number."""
    with subprocess.Popen([program, "-displayfd", "1", "-nolisten", "tcp"], stdout=subprocess.PIPE, text=True) as screen:
        try:
            assert screen.stdout
            yield f":{screen.stdout.readline().strip()}"
        finally:
            screen.terminate()
