"""Draw docs/stepper-dark.svg and docs/stepper-light.svg: the screen of `chat inspect` on a small and on a large terminal.

    ./run python docs/stepper_picture.py

It needs the group `tests`, for pexpect and pyte.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from console_picture import DOCS, THEMES, FaintScreen, Terminal, draw

SCENES = {"dark": (80, 24, "usual place"), "light": (120, 40, "message B")}
"""Each theme's columns and rows, and what is searched for."""
WHAT = "A recorded conversation"


def screens(folder: Path) -> dict[str, FaintScreen]:
    """The screen for each theme."""
    chat, home = (sys.executable, "-m", "plytalk"), str(folder / "home")
    trace, found = folder / "talk.trace", {}
    environment = {**os.environ, "PLYTALK_HOME": home}
    subprocess.run([*chat, "demo", "--trace", str(trace)], env=environment, check=True, capture_output=True)
    for name, (columns, rows, sought) in SCENES.items():
        terminal = Terminal(*chat, "inspect", str(trace), home=home, columns=columns, rows=rows)
        terminal.until("q quit")
        terminal.type(f"/{sought}\r")
        terminal.until(lambda screen=terminal.screen: "  1 of " not in screen.display[0] and "q quit" in "".join(screen.display))
        terminal.close()
        found[name] = terminal.screen
    return found


def main() -> None:
    with TemporaryDirectory() as folder:
        found = screens(Path(folder))
    for theme in THEMES:
        (DOCS / f"stepper-{theme.name}.svg").write_text(draw(found[theme.name], theme, WHAT))


if __name__ == "__main__":
    main()
