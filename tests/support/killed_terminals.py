"""A program that a test kills on a terminal is gone afterwards, on a busy machine too."""

import contextlib
from typing import Any


def wait_for_killed_programs() -> None:
    """ptyprocess gives a program 0.1 s to be gone after SIGKILL, and fails after that: let it wait instead."""
    try:
        from ptyprocess import PtyProcess, PtyProcessError
    except ImportError:  # a system without such terminals
        return
    terminate = PtyProcess.terminate

    def terminate_and_wait(self: Any, force: bool = False) -> bool:
        gone: bool = terminate(self, force)
        if force and not gone:
            with contextlib.suppress(PtyProcessError):  # it is gone by now
                self.wait()
        return gone or force

    PtyProcess.terminate = terminate_and_wait
