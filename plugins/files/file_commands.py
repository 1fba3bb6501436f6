"""The commands about files. They run in the program in which they are typed, where the files are."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import Result, now, refuse
from plytalk.core.contracts.sanitise import clean, shorten
from plytalk.core.contracts.ui import Ui
from plytalk.core.io.background import Background
from plytalk.core.io.sizes import size_in_words
from plytalk.plugins.files.file_words import REPLACE
from plytalk.plugins.files.made_offers import check_count
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.sending import Sending
from plytalk.plugins.files.transfer_errors import explained
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.files.transfers import Transfers

MOST_DIGITS = 9
"""The largest number of digits of a transfer's number."""
CommandAnswer = tuple[Any, Sequence[str]]
"""The answer to a command: data for programs, lines for people."""


class FileCommands:
    """Runs the commands of one user, and shows the answers."""

    def __init__(self, transfers: Transfers, ui: Ui, can_send: Callable[[], str], fail: Callable[[], None]) -> None:
        """`can_send` returns why no file can be sent; empty if files can be sent. `fail` is called when a command fails."""
        self._transfers, self._ui, self._can_send, self._fail = transfers, ui, can_send, fail
        self._commands: Mapping[str, Callable[[Sequence[str]], Awaitable[CommandAnswer]]] = {
            "send": self._send, "accept": self._accept, "decline": self._decline,
            "transfers": self._list, "cancel": self._cancel,
        }  # fmt: skip
        self._background = Background()
        self._when_answered: Callable[[], None] | None = None

    def run_line(self, line: str) -> bool:
        """Run a typed line if it is one of these commands. Return whether it is."""
        name, _, rest = line.removeprefix("/").partition(" ")
        if not line.startswith("/") or name not in self._commands:
            return False
        try:
            words = shlex.split(rest)
        except ValueError:  # an unclosed quote is part of a name
            words = rest.split()
        return self.run(name, words)

    def run(self, name: str, args: Sequence[str], request: str | None = None) -> bool:
        """Run a command if it is one of these. Return whether it is. The answer is a result or an error with the request's id."""
        if name not in self._commands:
            return False
        self._background.start(self._answer(name, args, request)).add_done_callback(partial(self._answered, name, request))
        return True

    def when_answered(self, tell: Callable[[], None]) -> bool:
        """Call `tell` once all commands given so far are answered. Return False, without calling it, if they are already."""
        if not self._background.tasks:
            return False
        self._when_answered = tell
        return True

    def _answered(self, name: str, request: str | None, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            self._fail()
            refuse(self._ui, f"The chat ended before /{name} was done.", "answer-lost", command=name, request=request)
        if (tell := self._when_answered) and not self._background.tasks:
            self._when_answered = None
            tell()

    async def _answer(self, name: str, args: Sequence[str], request: str | None) -> None:
        ui = self._ui
        try:
            if reason := self._can_send():
                raise Usage(reason)
            data, lines = await self._commands[name](args)
        except Exception as error:  # of any kind: without an answer the caller waits forever
            fault = explained(error)
            self._fail()
            refuse(ui, str(fault), "not-done", fault.hint, command=name, request=request)
        else:
            ui.show(Result(id=ui.next_id(), time=now(), command=name, request=request, data=data, lines=tuple(lines)))

    async def _send(self, args: Sequence[str]) -> CommandAnswer:
        *before, last = args or ("@",)
        paths, to = (before, last[1:]) if last.startswith("@") else (args, None)
        if not paths:
            raise Usage("Say which file: /send film.mkv.")
        if to == "" or any(path.startswith("@") for path in paths):  # a mistake must not offer it to everybody
            raise Usage("Whom it is for comes last: /send film.mkv @bob.", "A file that begins with @ is ./@film.mkv.")
        standing = [one for one in self._transfers.made.all.values() if one.stands]
        check_count(len(standing) + len(paths))
        offered = [await self._transfers.made.send(path, to) for path in paths]
        return [described(one) for one in offered], ()

    async def _accept(self, args: Sequence[str]) -> CommandAnswer:
        replace = REPLACE in args[-1:]
        return described(await self._transfers.heard.accept(number_of(args[:-1] if replace else args), replace)), ()

    async def _decline(self, args: Sequence[str]) -> CommandAnswer:
        return described(self._transfers.heard.decline(number_of(args))), ()

    async def _cancel(self, args: Sequence[str]) -> CommandAnswer:
        return described(await self._transfers.cancel(number_of(args))), ()

    async def _list(self, args: Sequence[str]) -> CommandAnswer:
        every = list(self._transfers.all())
        return [described(one) for one in every], [in_words(one) for one in every] or ["There are no transfers."]

    async def close(self) -> None:
        """Cancel the commands that are not answered."""
        self._when_answered = None
        await self._background.stop()


def number_of(args: Sequence[str]) -> int | None:
    """Parse the number of a transfer. Without arguments, return None. Raises Usage."""
    if not args:
        return None
    if len(args) > 1:
        raise Usage("One transfer at a time.", "/transfers lists them.")
    if not (args[0].isdecimal() and len(args[0]) <= MOST_DIGITS):
        raise Usage(f"'{shorten(args[0])}' is not the number of a transfer.", "/transfers lists them.")
    return int(args[0])


def described(one: Sending | Receiving) -> dict[str, Any]:
    """Describe a transfer for programs."""
    return {
        "transfer": str(one.number), "name": clean(one.file.name), "size": one.file.size, "state": str(one.state),
        "done": one.done,
        **({"direction": "out", "received": one.received} if isinstance(one, Sending) else {"direction": "in"}),
    }  # fmt: skip


def in_words(one: Sending | Receiving) -> str:
    """Describe a transfer for people."""
    whom = f"to {one.to or 'everybody'}" if isinstance(one, Sending) else f"from {one.sender.name}"
    part = (
        f", {100 * one.done // one.file.size} %"
        if one.file.size and one.state in (TransferState.SENDING, TransferState.RECEIVING, TransferState.INTERRUPTED)
        else ""
    )
    why = f": {clean(one.reason)}" if one.reason else ""
    have = f", received by {one.received:,}" if isinstance(one, Sending) and one.received and one.to is None else ""
    return f"{one.number}  {clean(one.file.name)} ({size_in_words(one.file.size)}) {whom}: {one.state}{part}{have}{why}"
