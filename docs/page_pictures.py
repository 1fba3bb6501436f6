"""Take docs/page-light.png, page-eve.png and page-attack.png: the inspector's page as a browser shows it.

    PYTHONPATH=tests/support ./run python docs/page_pictures.py

It needs the group `tests`, for selenium, and Chromium with its driver.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from browser import browser

DOCS = Path(__file__).parent
PICTURES = {
    "page-light.png": ("demo.html#9", False),
    "page-eve.png": ("demo.html#10eve", True),
    "page-attack.png": ("mitm.html#9", False),
}
"""Each picture's page, with the frame and the view that it begins with, and whether it is dark."""


def chat(*words: str, folder: Path) -> None:
    """Run a command of a new user."""
    environment = {**os.environ, "PLYTALK_HOME": str(folder / "home"), "PYTHONPATH": ""}
    subprocess.run([sys.executable, "-m", "plytalk", *words], cwd=folder, env=environment, check=True, capture_output=True)


def make_pages(folder: Path) -> None:
    chat("demo", "--html", "demo.html", folder=folder)
    chat("lab", "--stack", "secure-chat", "--attack", "mitm", "--trace", "mitm.trace", folder=folder)
    chat("inspect", "mitm.trace", "--html", "mitm.html", folder=folder)


def main(into: Path = DOCS) -> None:
    with TemporaryDirectory() as made:
        make_pages(Path(made))
        for name, (place, dark) in PICTURES.items():
            with browser(dark=dark) as driver:
                driver.get(f"{Path(made).as_uri()}/{place}")
                driver.save_screenshot(str(into / name))


if __name__ == "__main__":
    main()
