"""Traces on disk: JSON lines, similar to qlog (draft-ietf-quic-qlog-main-schema).

    {"plytalk_trace": 1, "began": "2026-01-31T12:00:00Z", "secrets": false}
    {"time": 1.52, "name": "framer:out", "what": "K", "data": {}, "raw": "4b000001c3...",
     "spans": [["type", 0, 1, "K", "which message of the layer above this is"], ["length", 1, 4, "451", ""], ...]}

`time` is in milliseconds since the beginning, `raw` the bytes in hexadecimal, `spans` what the layer says each of them is (name,
start, size, value, what it was made of), `data` facts about the whole conversation, and `group` the conversation's name, where
there are several. The file is always new and readable by its owner alone: it contains what was said, and with `secrets` the keys,
and the names and contents of files.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.spans import Span, with_gaps
from plytalk.core.io.descriptors import write_all
from plytalk.core.io.lines import BOM
from plytalk.core.io.sizes import rfc3339
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.trust.named_files import open_named
from plytalk.trust.store_errors import StoreError

VERSION = 1
MAX_LINE = 4 * 1024 * 1024
LAYERS = ("session", "keys", "schedule", "wire", "transport", "framer", "handshake", "cipher", "messages")
WAYS = ("in", "out")
WITHOUT_WAY = ("session", "keys", "schedule")
LATEST = 1e15  # milliseconds; a capture can hold no later time


class TraceFile:
    """Writes events as they come, with `secrets` also keys. Raises Usage if the file exists or cannot be created.

    If the file can no longer be written, as on a full disk, it ends with its last whole line, and `stopped` is told why.
    """

    def __init__(self, path: Path, secrets: bool = False, stopped: Callable[[str], object] = print) -> None:
        self.secrets = secrets
        self._path, self._stopped = path, stopped
        self._began: float | None = None
        self._length = 0
        try:
            self._descriptor: int | None = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600
            )
        except FileExistsError:
            raise Usage(f"{path} exists already.", "Name a new file for --trace, or remove that one.") from None
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            began = rfc3339(datetime.now(UTC))
            self._write({"plytalk_trace": VERSION, "began": began, "secrets": secrets})
        except OSError as error:
            self.close()
            path.unlink(missing_ok=True)
            raise _unwritable(path, error) from None

    def __call__(self, event: TraceEvent) -> None:
        if self._descriptor is None:
            return
        self._began = event.time if self._began is None else self._began
        line = {
            "time": round((event.time - self._began) * 1000, 3),
            "name": f"{event.layer}:{event.way}" if event.way else event.layer,
            "what": event.what,
            "data": dict(event.fields),
            "raw": event.data.hex(),
            "spans": event.spans,
        }
        try:
            self._write(line | ({"group": event.group} if event.group else {}))
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            self.close()
            self._stopped(f"The trace in {self._path} ends here: {error.strerror}. The conversation goes on.")

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):  # some network file systems tell only now that the disk is full
                os.close(descriptor)

    def _write(self, line: dict[str, Any]) -> None:
        assert self._descriptor is not None
        data = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        write_all(self._descriptor, data)
        self._length += len(data)


def _unwritable(path: Path, error: OSError) -> Usage:
    return Usage(f"The trace cannot be written to {path}: {error.strerror}.", "Name another file for --trace.")


def read(path: Path) -> list[TraceEvent]:
    """The events in a trace; times are in seconds since its beginning. Raises Usage, naming the line that is none."""
    try:
        with opened(path) as file:
            return list(parse(file))
    except OSError as error:
        raise unreadable(path, error) from None


def opened(path: Path) -> IO[bytes]:
    """The file of a trace. Raises Usage."""
    try:
        return open(open_named(path), "rb")
    except OSError as error:
        raise unreadable(path, error) from None
    except StoreError as error:
        raise Usage(str(error), error.hint) from None


def unreadable(path: Path, error: OSError) -> Usage:
    return Usage(f"The trace {path} cannot be read: {error.strerror}.")


def parse(file: IO[bytes]) -> Iterator[TraceEvent]:
    """The events in an open trace. Raises Usage."""
    check_head(file.readline(MAX_LINE))
    number = 1
    while line := file.readline(MAX_LINE + 1):
        number += 1
        check_length(line, number)
        if not line.endswith(b"\n"):
            return  # the last line was cut when the program was killed
        yield parse_event(line, number)


def check_head(line: bytes) -> None:
    """Raises Usage where a file's first line is not that of a trace."""
    if _object(line.removeprefix(BOM), 1).get("plytalk_trace") != VERSION:
        raise Usage("This is not a plytalk trace, or is one of another version.", "Make one with --trace FILE.")


def check_length(line: bytes, number: int) -> None:
    """Raises Usage where a line, or what there is of it, is too long."""
    if len(line) > MAX_LINE:
        raise Usage(f"Line {number} of the trace is too long.")


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Usage(f"Line {number} of the trace is not a JSON object.", "Make one with --trace FILE.")
    return value


def parse_event(text: bytes, number: int) -> TraceEvent:
    """The event in a line. Raises Usage."""
    line = _object(text, number)
    match line:
        case {"time": int() | float() as time, "name": str(name), "what": str(what), "data": dict(data), "raw": str(raw)}:
            layer, _, way = name.partition(":")
            passed = layer in LAYERS and (not way if layer in WITHOUT_WAY else way in WAYS)
            group, spans = line.get("group", ""), _spans(line.get("spans", []), len(raw) // 2)
            texts = all(isinstance(text, str) for text in (group, *data.values()))
            if passed and texts and spans is not None and 0 <= time < LATEST:
                with suppress(ValueError):
                    return TraceEvent(layer, way, what, bytes.fromhex(raw), data, time / 1000, group, spans)
    raise Usage(f"Line {number} of the trace is not an event.", "Make one with --trace FILE.")


def _spans(found: object, size: int) -> Sequence[Span] | None:
    """The spans of an event of `size` bytes, which cover all of it; None for what is not a list of spans."""
    spans: list[Span] = []
    for one in found if isinstance(found, list) else [None]:
        match one:
            case [str(name), int(start), int(length), str(value), str(made_of)] if start >= 0 and length > 0:
                spans.append(Span(name, start, length, value, made_of))
            case _:
                return None
    return list(with_gaps(spans, size)) if spans else ()
