"""What a terminal can show, as the environment tells it."""

import os
import sys

DUMB = ("", "dumb", "unknown")


def is_dumb() -> bool:
    """Whether the terminal understands no escape sequences, or does not say that it does."""
    return os.environ.get("TERM", "").lower() in DUMB and sys.platform != "win32"


def wants_colour() -> bool:
    """Whether a terminal may be sent colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and not is_dumb()
