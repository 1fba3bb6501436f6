"""The signals that end a program end it as Ctrl-C does.

So goodbyes are said, the terminal is put back, and temporary files are removed.
"""

import contextlib
import signal


def treat_as_control_c() -> None:
    """Make SIGTERM and SIGHUP interrupt the program as Control-C does. Called once, before a command runs."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A parent that ignores a signal, as nohup does, does so on purpose.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # not in the main thread, so embedded in another program
                signal.signal(number, interrupt)


def interrupt(*_: object) -> None:
    """What Control-C does, also where a shell has started the program in the background and Control-C is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)
