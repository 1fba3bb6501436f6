"""Says which plugin holds up a server: one thread serves everybody, so a method that blocks keeps all others waiting.

Another thread asks the event loop every second for a sign of life. Where none comes, it finds out which line of which plugin
runs, and says so on standard error, since no UI can show anything then. It does not end the server.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from types import FrameType

from plytalk.core.contracts.contract_words import title
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.origins import origin
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.standard_streams import tell

SECONDS = 3
"""For how many seconds the loop may be silent before that is said."""
ADVICE = "Let it await what it waits for, or run it in a thread: await asyncio.to_thread(...)."


class Watchdog:
    """Watches the running loop from `start` to `stop`; `second` is how long one lasts."""

    def __init__(self, layers: Iterable[type[Layer]], say: Callable[[str], None] = tell, second: float = 1.0) -> None:
        self._files = files_of(layers)
        self._say, self._second = say, second
        self._loop, self._watched = asyncio.get_running_loop(), threading.get_ident()
        self._answered = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join()

    def _watch(self) -> None:
        silent, frame = 0, None
        while not self._over.wait(self._second):  # counted, since a program that was stopped has not held up anybody
            if self._answered:
                silent, self._answered = 0, False
                self._loop.call_soon_threadsafe(self._answer)
            else:
                silent += 1
            before, frame = frame, self._frame() if SECONDS - 1 <= silent <= SECONDS else None
            if silent == SECONDS and frame and frame is before:  # not one of many short calls
                self._say(f"{self._where(frame)} has kept everybody waiting for {silent} seconds. {ADVICE}")

    def _answer(self) -> None:
        self._answered = True

    def _frame(self) -> FrameType | None:
        """The call of a layer's function that the loop is in, if it is in one."""
        frame: FrameType | None = sys._current_frames().get(self._watched)
        while frame and frame.f_code.co_filename not in self._files:
            frame = frame.f_back
        return frame

    def _where(self, frame: FrameType) -> str:
        """The layer of a call, and its line."""
        layers, name = self._files[frame.f_code.co_filename], frame.f_code.co_qualname
        layer = next((one for one in layers if name.startswith(f"{one.__qualname__}.")), layers[0])
        return f"{title(layer)}, at {clean(f'{frame.f_code.co_filename}:{frame.f_lineno}')} of {origin(layer.__module__)},"


def files_of(layers: Iterable[type[Layer]]) -> Mapping[str, list[type[Layer]]]:
    """The files of these layers."""
    files: dict[str, list[type[Layer]]] = {}
    for layer in layers:
        if file := getattr(sys.modules.get(layer.__module__), "__file__", None):
            files.setdefault(file, []).append(layer)
    return files
