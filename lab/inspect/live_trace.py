"""A trace that is still being written, frame by frame."""

import time
from collections.abc import Iterator
from pathlib import Path

from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame, Inspection
from plytalk.lab.inspect.trace_file import check_head, check_length, opened, parse_event, unreadable

PAUSE = 0.1
"""Seconds until the file is looked at again."""
PIECE = 1024 * 1024
"""How many bytes are read at a time."""
ENDS = ("ended", "failed")


class LiveTrace:
    """Reads on where it stopped. `over` says whether every conversation that began has ended. Raises Usage, also when reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0  # of the last line
        self._cut = b""  # a line whose end is still to come
        self._inspection = Inspection()
        self._open: set[str] = set()  # conversations that go on, by their groups
        self.over = False
        self._file = opened(path)

    def more(self) -> list[InspectedFrame]:
        """The frames that have become complete, of what the next piece of the file holds."""
        found = [frame for event in self._events() for frame in self._inspection.add(event)]
        return [*found, *self._inspection.rest()] if self.over else found

    def frames(self) -> Iterator[InspectedFrame]:
        """All frames until it is over, as they come."""
        while not self.over:
            found = self.more()
            yield from found
            if not found:
                time.sleep(PAUSE)

    def close(self) -> None:
        self._file.close()

    def _events(self) -> Iterator[TraceEvent]:
        try:
            data = self._cut + self._file.read(PIECE)
        except OSError as error:
            raise unreadable(self._path, error) from None
        *lines, self._cut = data.split(b"\n")
        check_length(self._cut, self._number + 1)
        for line in lines:
            self._number += 1
            if self._number == 1:
                check_head(line)
            else:
                event = parse_event(line, self._number)
                self._count(event)
                yield event

    def _count(self, event: TraceEvent) -> None:
        if event.layer == "session" and event.what == "started":
            self._open.add(event.group)
        elif event.layer == "session" and event.what in ENDS:
            self._open.discard(event.group)
            self.over = not self._open
