"""The file transfers of one user, as a conversation sees them. They are created when the first file is sent or offered."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.ui import Ui
from plytalk.plugins.files.file_words import HELP
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions

if TYPE_CHECKING:
    from plytalk.plugins.files.file_commands import FileCommands
    from plytalk.plugins.files.sending import FileLink
    from plytalk.plugins.files.transfers import Transfers


NO_FILES = "This program neither sends nor receives files: it was started with --no-files."


class UserFiles:
    """`why_not` returns why no file can be sent; empty if files can be sent."""

    def __init__(self, ui: Ui, file_options: "ReceiveOptions", why_not: Callable[[], str] = lambda: "") -> None:
        self._ui, self._file_options, self._why_not = ui, file_options, (lambda: NO_FILES) if file_options.none else why_not
        self.failed = False
        """Whether a command has failed."""
        self._link: FileLink | None = None
        self._me: Callable[[], Myself] = lambda: Myself(Sender(), None)

    @cached_property
    def transfers(self) -> "Transfers":
        from plytalk.plugins.files.transfers import Transfers

        made = Transfers(self._ui, lambda: self._me(), self._file_options)
        if self._link:
            made.connect(self._link)
        return made

    @cached_property
    def _commands(self) -> "FileCommands":
        from plytalk.plugins.files.file_commands import FileCommands

        return FileCommands(self.transfers, self._ui, self._why_not, self._fail)

    @property
    def _is_used(self) -> bool:
        return "transfers" in vars(self)

    def connect(self, link: "FileLink", me: "Callable[[], Myself]") -> None:
        """Continue over a new link to a server; `me` returns the user's current name and key there."""
        self._link, self._me = link, me
        if self._is_used:
            self.transfers.connect(link)

    def renamed(self, member: Sender, name: str) -> None:
        """Note that a member has a new name."""
        if self._is_used:
            self.transfers.renamed(member, name)

    def disconnect(self) -> None:
        """Interrupt all transfers until the next connection."""
        self._link = None
        if self._is_used:
            self.transfers.disconnect()

    def hear(self, body: bytes) -> None:
        """Handle an item from the server. Raises BadFrame."""
        if not self._file_options.none:
            self.transfers.hear(body)

    def run_line(self, line: str) -> bool:
        """Run a typed line if it is a command about files. Return whether it is."""
        return line[:1] == "/" and line[1:].split(" ", 1)[0] in HELP and self._commands.run_line(line)

    def run(self, name: str, args: Sequence[str], request: str | None) -> bool:
        """Run a command if it is about files. Return whether it is."""
        return name in HELP and self._commands.run(name, args, request)

    def _fail(self) -> None:
        self.failed = True

    def when_answered(self, leave: Callable[[], None]) -> bool:
        """If a program waits for answers to commands about files, call `leave` after these. Return whether it waits."""
        return not self._ui.interactive and "_commands" in vars(self) and self._commands.when_answered(leave)

    async def close(self) -> None:
        """End all transfers."""
        if "_commands" in vars(self):
            await self._commands.close()
        if self._is_used:
            await self.transfers.close()
