"""`--log-json FILE`: what happens, one JSON object per line, for programs that read logs.

    {"time": "2026-03-01T12:00:00.123Z", "event": "session opened", "address": "192.0.2.7:51234", "key": "SHA256:...", ...}

The events: `server opened`, `turned away`, `session opened`, `session closed`, `server closed`; and on standard error `notice`,
with the `text` of a line that would otherwise be printed as it is. `missing` says how many before
this one were not written, since the disk was full or since peers were turned away faster than anybody reads. A line holds nothing
that was said, no secret, and only printable ASCII: what a peer has chosen cannot start a new line (CWE-117).
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.ui_hearer import key_shown_by
from plytalk.core.endpoints.admission import reason_of
from plytalk.core.io.sizes import rfc3339
from plytalk.core.io.standard_streams import shape_notices, tell
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.trust.store_errors import StoreError

TURNED_AWAY_A_SECOND = 20
STANDARD_ERROR = 2

_FLAGS: int = os.O_WRONLY | os.O_APPEND | os.O_CREAT
for _name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_BINARY"):  # a pipe that nobody reads must not hold up the conversations
    _FLAGS |= getattr(os, _name, 0)


class Log(Feature):
    """Writes what happens to a file, one JSON object per line."""

    name = "log"
    options = (
        Option(
            "log-json",
            "Append events to this file, one JSON object per line (-: standard error).",
            Path,
            metavar="FILE",
            chooses=True,
        ),
    )

    def __init__(self, log_json: Path | None = None) -> None:
        self._file = log_json or Path("-")
        self._descriptor = STANDARD_ERROR
        self._address: str | None = None
        self._since: dict[DirectChat, float] = {}
        self._missing = 0
        self._torn = self._complained = False
        self._second, self._turned_away = 0.0, 0
        if str(self._file) == "-":  # from the start: a warning must not stand between the lines of JSON
            shape_notices(lambda sentence: _line("notice", {"text": sentence}))

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        self._descriptor = self._opened()
        return [] if self._descriptor == STANDARD_ERROR else [f"What happens is written to {self._file}."]

    async def release(self) -> None:
        if self._address is not None:
            self._write("server closed", address=self._address)
        if self._descriptor != STANDARD_ERROR:
            os.close(self._descriptor)
            self._descriptor = STANDARD_ERROR

    # -- what happens ------------------------------------------------------------------------------------------------------

    @hookimpl
    def server_opened(self, stack: Stack, address: str) -> None:
        self._address = address
        self._write("server opened", address=address, stack=stack.line)

    @hookimpl
    def turned_away(self, address: str, error: ChatError) -> None:
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._turned_away = now, 0
        self._turned_away += 1
        if self._turned_away > TURNED_AWAY_A_SECOND:  # a flood of peers must not become a flood of lines
            self._missing += 1
        else:
            self._write("turned away", address=address, error=type(error).__name__, why=reason_of(error), reason=error.sentence)

    @hookimpl
    def session_opened(self, session: DirectChat) -> None:
        self._since[session] = time.monotonic()
        self._write("session opened", address=session.address, key=key_shown_by(session), stack=session.stack.line)

    @hookimpl
    def session_closed(self, session: DirectChat, ending: Ending) -> None:
        now = time.monotonic()
        self._write(
            "session closed",
            address=session.address,
            key=key_shown_by(session),
            by=ending.by.value,
            error=type(ending.error).__name__ if ending.error else None,
            reason=ending.reason,
            seconds=round(now - self._since.pop(session, now), 3),
        )

    @hookimpl
    def reread(self) -> Sequence[str]:
        """Reopen the file: log rotation has moved it away."""
        before, self._descriptor = self._descriptor, self._opened()
        if before == STANDARD_ERROR:
            return []
        os.close(before)
        self._torn = self._complained = False
        return [f"The log goes on in {self._file}."]

    # -- the file ----------------------------------------------------------------------------------------------------------

    def _opened(self) -> int:
        if str(self._file) == "-":
            return STANDARD_ERROR
        try:
            return os.open(self._file, _FLAGS, 0o600)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be opened for the log: {error.strerror}.", "Name another file.") from None

    def _write(self, event: str, **fields: Any) -> None:
        """One line in one piece, at once. What cannot be written is counted: a full disk does not end the server."""
        line = _line(event, {**fields, "missing": self._missing or None}) + "\n"
        data = ("\n" if self._torn else "").encode() + line.encode()
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            self._lost(error.strerror or type(error).__name__)
        else:
            self._torn = written < len(data)
            if self._torn:
                self._lost("no room for a whole line")
            else:
                self._missing = 0

    def _lost(self, why: str) -> None:
        self._missing += 1
        if not self._complained:
            self._complained = True
            tell(f"The log {self._file} cannot be written ({why}): events are lost until it can.")


def _line(event: str, fields: dict[str, Any]) -> str:
    now = rfc3339(datetime.now(UTC), "milliseconds")
    entry = {"time": now, "event": event, **{name: value for name, value in fields.items() if value is not None}}
    return json.dumps(entry).replace("\x7f", "\\u007f")


@hookimpl
def layers() -> list[type[Log]]:
    return [Log]
