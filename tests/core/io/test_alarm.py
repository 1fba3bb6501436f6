"""What takes longer than it may is ended, even a loop without end."""

import signal
import threading
import time
from types import FrameType
from typing import NoReturn

import pytest

from plytalk.core.io.alarm import alarm


class Rung(Exception):
    """The alarm."""


def ring(frame: FrameType | None) -> NoReturn:
    raise Rung(frame.f_code.co_name if frame else "")


def for_ever() -> None:
    while True:
        pass


def test_a_loop_without_end_is_left_and_named_and_no_alarm_stays() -> None:
    with pytest.raises(Rung, match="for_ever"), alarm(0.05, ring):
        for_ever()
    with alarm(3600, ring):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_another_thread_has_no_alarm() -> None:
    done: list[bool] = []

    def work() -> None:
        with alarm(0.01, ring):
            time.sleep(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
