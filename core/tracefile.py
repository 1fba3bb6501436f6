"""Traces on disk: JSON lines, in the manner of qlog (draft-ietf-quic-qlog-main-schema).

    {"plytalk_trace": 1, "began": "2026-01-31T12:00:00Z", "secrets": false}
    {"time": 1.52, "name": "framer:out", "what": "K", "data": {"type": "K", "length": "451"}, "raw": "4b000001c3..."}

`time` is in milliseconds since the beginning, `raw` the bytes in hexadecimal, `data` what the layer itself says is in them, and
`group`, where there are several conversations, the name of one. The file is made anew, readable by its owner alone: it holds what
was said, and with `secrets` the keys as well.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from plytalk.core.errors import Usage
from plytalk.core.trace import Event

VERSION = 1
MAX_LINE = 4 * 1024 * 1024
LAYERS = ("session", "keys", "transport", "framer", "handshake", "cipher", "messages")
WAYS = ("in", "out")
WITHOUT_WAY = ("session", "keys")
LATEST = 1e15  # milliseconds; a capture can hold no later time


class TraceFile:
    """Writes events as they come, with `secrets` also keys. Raises Usage where the file cannot be made, or is there already."""

    def __init__(self, path: Path, secrets: bool = False) -> None:
        self.secrets = secrets
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Usage(f"{path} exists already.", "Name a new file for --trace, or remove that one.") from None
        except OSError as error:
            raise Usage(f"The trace cannot be written to {path}: {error.strerror}.", "Name another file for --trace.") from None
        self._file: IO[str] = open(descriptor, "w", encoding="ascii")  # noqa: SIM115 - it lives as long as the program
        self._began: float | None = None
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write({"plytalk_trace": VERSION, "began": began, "secrets": secrets})

    def __call__(self, event: Event) -> None:
        self._began = event.time if self._began is None else self._began
        line = {
            "time": round((event.time - self._began) * 1000, 3),
            "name": f"{event.layer}:{event.way}" if event.way else event.layer,
            "what": event.what,
            "data": dict(event.fields),
            "raw": event.data.hex(),
        }
        self._write(line | ({"group": event.group} if event.group else {}))

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def read(path: Path) -> list[Event]:
    """The events in a trace; times are in seconds since its beginning. Raises Usage, naming the line that is none."""
    try:
        with path.open("rb") as file:
            return list(parse(file))
    except OSError as error:
        raise Usage(f"The trace {path} cannot be read: {error.strerror}.") from None


def follow(path: Path, wait: Callable[[], None]) -> Iterator[Event]:
    """The events in a trace that is still being written: `wait` is called whenever there is no whole line. Raises Usage."""
    try:
        with path.open("rb") as file:
            yield from parse(_Growing(file, wait))
    except OSError as error:
        raise Usage(f"The trace {path} cannot be read: {error.strerror}.") from None


class _Growing:
    """A file whose lines come one by one."""

    def __init__(self, file: IO[bytes], wait: Callable[[], None]) -> None:
        self._file, self._wait = file, wait

    def readline(self, limit: int) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            piece = self._file.readline(limit - len(line))
            line += piece
            if not piece:
                self._wait()
        return line


def parse(file: "IO[bytes] | _Growing") -> Iterator[Event]:
    """The events in an open trace. Raises Usage."""
    head = _object(file.readline(MAX_LINE), 1)
    if head.get("plytalk_trace") != VERSION:
        raise Usage("This is no trace of plytalk, or one of another version.", "Make one with --trace FILE.")
    number = 1
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise Usage(f"Line {number} of the trace is too long.")
        if not line.endswith(b"\n"):
            return  # the last line was cut when the program was killed
        yield _event(_object(line, number), number)


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Usage(f"Line {number} of the trace is no JSON object.", "Make one with --trace FILE.")
    return value


def _event(line: dict[str, Any], number: int) -> Event:
    match line:
        case {"time": int() | float() as time, "name": str(name), "what": str(what), "data": dict(data), "raw": str(raw)}:
            layer, _, way = name.partition(":")
            passed = layer in LAYERS and (not way if layer in WITHOUT_WAY else way in WAYS)
            group = line.get("group", "")
            if passed and 0 <= time < LATEST and all(isinstance(text, str) for text in (group, *data.values())):
                with suppress(ValueError):
                    return Event(layer, way, what, bytes.fromhex(raw), data, time / 1000, group)
    raise Usage(f"Line {number} of the trace is no event.", "Make one with --trace FILE.")
