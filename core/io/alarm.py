"""An alarm for code that may never give control back, such as a plugin's."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def alarm(seconds: float, ring: Callable[[FrameType | None], NoReturn]) -> Iterator[None]:
    """Call `ring`, which raises, with the frame of what takes longer, even if that is a loop without end.

    Nothing is limited outside the main thread, nor on a system without SIGALRM, such as Windows.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda number, frame: ring(frame))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
