"""A Noise implementation in another program, over its standard input and output: each line is a JSON object, and each is answered
by one.

    {"do": "start", "protocol_name": ..., "initiator": true, "prologue": hex,      -> {}
     "static": hex, "ephemeral": hex, "remote_static": hex, "psks": [hex, ...]}       those that the pattern asks for
    {"do": "write", "payload": hex}                                                 -> {"message": hex}
    {"do": "read", "message": hex}                                                  -> {"payload": hex}, or {"error": sentence}
    {"do": "finish"}                                                                -> {"handshake_hash": hex}
    {"do": "seal", "plaintext": hex}                                                -> {"message": hex}
    {"do": "open", "message": hex}                                                  -> {"plaintext": hex}, or {"error": sentence}

`start` begins a new handshake, whatever came before. Without `ephemeral` the program draws one. For a
KEM, `start` has `kem_seed` or `kem_randomness` as well.
"""

import json
import shlex
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from plytalk.core.contracts.errors import RemoteError, Usage
from plytalk.core.contracts.sanitise import clean

PATIENCE = 10.0
"""Seconds for one answer."""
MAX_LINE = 1024 * 1024
"""Bytes of one answer."""


class PeerFailed(RemoteError):
    """The other program gave no usable answer."""


class PeerProgram:
    """The program that `command` starts. A context; raises Usage where it cannot be started."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise Usage(f"`{shlex.join(self._command)}` cannot be started: {error.strerror}.") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises PeerFailed where there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        alarm = threading.Timer(PATIENCE, self._process.kill)
        alarm.start()
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline(MAX_LINE)
        except OSError as error:
            raise PeerFailed(f"The peer program ended before it answered `{request['do']}`.") from error
        finally:
            alarm.cancel()
        if not line.endswith(b"\n"):
            raise PeerFailed(f"The peer program gave no answer to `{request['do']}` within {PATIENCE:g} s, or ended.")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise PeerFailed(f"The peer program's answer to `{request['do']}` is not a JSON object: {clean(repr(line[:80]))}.")
        return answer

    def get(self, name: str, **request: Any) -> bytes:
        """The bytes that an answer has under a name. Raises PeerFailed where it has none, or an error."""
        answer = self.ask(**request)
        try:
            return bytes.fromhex(answer[name])
        except (KeyError, TypeError, ValueError):
            said = clean(str(answer.get("error", answer)))[:200]
            raise PeerFailed(f"The peer program answered `{request['do']}` with {said!r} instead of `{name}`.") from None
