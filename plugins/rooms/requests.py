"""The unanswered commands of a client, by the numbers of their lines."""

import re
from collections.abc import Sequence

from msgspec import Struct

from plytalk.core.contracts.events import refuse
from plytalk.core.contracts.ui import Ui

NAME = re.compile(r"[^\s/]{1,32}")
ABOUT_MEMBERS = frozenset(["ban", "deop", "kick", "mute", "op", "release", "unban", "unmute", "whois"])
"""Commands whose only argument is a name. A name with spaces is written in quotes."""
LOST = "The connection was cut before the answer to /{} came: whether it was done is not known."


class CommandRequest(Struct, frozen=True):
    """A command, and the id that a program gave it, or None."""

    command: str
    id: str | None


class Requests:
    """All unanswered commands, over all connections."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._waiting: dict[int, CommandRequest] = {}

    def add(self, line: int, request: CommandRequest) -> None:
        """Add the command on the line with this number."""
        self._waiting[line] = request

    def take(self, line: object) -> CommandRequest | None:
        """Remove and return the command on this line, which is answered now."""
        return self._waiting.pop(line, None) if isinstance(line, int) else None

    def refuse(self, request: CommandRequest, text: str, code: str, hint: str = "") -> None:
        """Answer a command with an error."""
        refuse(self._ui, text, code, hint, command=request.command, request=request.id)

    def lose(self, until: int | None = None) -> None:
        """Answer the commands up to this line, or all, with an error: their answers are lost."""
        for line in [line for line in self._waiting if until is None or line <= until]:
            request = self._waiting.pop(line)
            self.refuse(request, LOST.format(request.command), "answer-lost")

    def refuse_all(self, text: str, code: str) -> None:
        """Answer all commands with this error."""
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.refuse(request, text, code)

    def renumber(self, by: int) -> None:
        """Shift the numbers of the lines, since the server counts differently now."""
        self._waiting = {line + by: request for line, request in self._waiting.items()}


def line_of(name: str, args: Sequence[str]) -> str:
    """Return a command as a line."""
    first, *others = args or ("",)
    if (" " in first or (args and not first)) and not first.startswith("ssh-") and (others or name in ABOUT_MEMBERS):
        first = f'"{first}"'
    return " ".join((f"/{name}", first, *others)).rstrip()
