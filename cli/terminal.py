"""Asking the person at the terminal for what must not be seen."""

import signal
import warnings
from getpass import GetPassWarning, getpass

from plytalk.core.errors import UnknownPeer


def secret(prompt: str) -> str:
    """What is typed on the terminal, which does not show it. Raises UnknownPeer where there is none: a pipe is never read."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # an event loop's own would wait for this to end
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)  # so the library says that it would show what is typed
            return getpass(prompt)
    except (GetPassWarning, EOFError):
        raise UnknownPeer(
            f"{prompt.rstrip(': ')} is needed, and nobody can be asked off a terminal.", "Start it in a terminal."
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
