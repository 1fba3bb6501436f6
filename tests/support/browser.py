"""A real Chromium, driven by selenium: `with browser() as driver: driver.get(...)`."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def programs() -> tuple[str, str] | None:
    """The browser and its driver, where both are installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def browser(
    width: int = 1280, height: int = 720, dark: bool = False, logs: Sequence[str] = ("browser",), flags: Sequence[str] = ()
) -> Iterator[Chrome]:
    """A browser with a page of this size, in pixels, these logs and more flags. The test is skipped where none is installed."""
    found = programs()
    if found is None:
        pytest.skip("Chromium and its driver are not installed (Debian packages chromium and chromium-driver)")
    options = Options()
    options.binary_location = found[0]
    for flag in (*FLAGS, *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logs, "ALL"))
    # What Chromium leaves behind goes with the folder, whose path is short: there is a socket in it.
    with TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        driver = Chrome(options, Service(found[1], env={**os.environ, "TMPDIR": folder}))
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            yield driver
        finally:
            driver.quit()
