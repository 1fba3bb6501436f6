"""What a program's client and server have in common: both take part in a conversation, which a task of its loop carries on."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from os import PathLike, fsdecode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plytalk.api.arguments import FileName, refuse_other_types
from plytalk.api.inbox import Inbox
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError, NotDone, UnknownPeer, Usage
from plytalk.core.contracts.events import Event, Result, Sender
from plytalk.core.contracts.items import is_exit
from plytalk.core.contracts.limits import SPLIT, TOO_LONG, Limits, too_long
from plytalk.core.contracts.ui import Conversation
from plytalk.plugins.files.file_words import path_word
from plytalk.trust.folders import HOME

Secret = Callable[[str], str]
"""Gives a secret, such as the passphrase of the identity, for a prompt."""
NOT_ENTERED = "This conversation has not begun.", "Enter it first, with `async with`."
OTHER_LOOP = (
    "This conversation belongs to another event loop, or to another thread.",
    "Use it where it was entered; from another thread with asyncio.run_coroutine_threadsafe.",
)
AGAIN = 0.1
"""After how many seconds a task that has not ended is cancelled again: the first time it still says goodbye."""


def no_secret(prompt: str) -> str:
    raise UnknownPeer(f"{prompt.rstrip(': ')} is needed.", "Give secret=FUNCTION, which is called with that prompt.")


class ProgramEndpoint(ABC):
    """One that takes part in a conversation: an asynchronous context manager, and an iterator over the events.

    What its task does has `home` for the folder of its files. If there is no connection, entering the context raises ChatError;
    leaving it says goodbye, waits until everything is received, and raises what failed.
    """

    address: str
    """Where the server is, as it was given; at a server that listens, with its port."""

    _outlives = False
    """Whether it goes on when a conversation is over."""

    def __init__(
        self,
        address: str,
        inbox: Inbox,
        arguments: Mapping[str, Any],
        *,
        profile: str | None,
        home: FileName | None,
        secret: Secret | None,
        limits: Limits | None,
    ) -> None:
        refuse_other_types(
            address=(address, str), profile=(profile, str | None), home=(home, str | PathLike | None),
            secret=(secret, Callable | None), limits=(limits, Limits | None),
        )  # fmt: skip
        self.address, self._inbox, self._arguments, self._profile = address, inbox, arguments, profile
        self._secret, self._limits = secret or no_secret, limits or Limits()
        self._home = None if home is None else Path(home).absolute()
        self._task: asyncio.Task[Ending] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    async def _run(self) -> Ending:
        """Take part until all is over. Raises ChatError."""

    @abstractmethod
    def _say_goodbye(self) -> None:
        """Begin to end."""

    # -- begin and end ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._task:
            raise Usage("This conversation has begun before.", "Make another one.")
        context = copy_context()
        context.run(HOME.set, self._home or HOME.get())
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), context=context)
        self._task.add_done_callback(self._inbox.end)
        try:
            await self._inbox.began.wait()
        except BaseException:
            await self._abort(self._task)
            raise
        if self._task.done():
            self._raise_failure(self._task)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await self.close()
        except ChatError:
            if error is None:  # otherwise that is what matters
                raise

    async def close(self) -> None:
        """Say goodbye and wait until everything is received, or cannot be. Raises what failed, as a ChatError."""
        if self._task is None:
            return
        self._check_loop()
        self._say_goodbye()
        try:
            await asyncio.wait([self._task])
        except asyncio.CancelledError:
            await self._abort(self._task)
            raise
        self._raise_failure(self._task)

    @staticmethod
    async def _abort(task: "asyncio.Task[Ending]") -> None:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN)

    @staticmethod
    def _raise_failure(task: "asyncio.Task[Ending]") -> None:
        if task.cancelled():
            raise NotDone("The conversation was broken off: its task was cancelled.")
        error = task.result().error
        if error and not isinstance(error, NotDone):  # that has been raised where it happened, or is an event
            raise error

    # -- what happens -----------------------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        self._check_loop()
        event = await self._inbox.take()
        if event is None:
            raise StopAsyncIteration
        return event

    @property
    def me(self) -> Sender:
        """This user's name and key, as the others see them; empty before that is known."""
        return self._inbox.you.sender if self._inbox.you else Sender()

    @property
    def room(self) -> str | None:
        """The room, if there is one."""
        return self._inbox.you.room if self._inbox.you else None

    # -- what the program does --------------------------------------------------------------------------------------------

    async def send(self, text: str, to: str | None = None) -> None:
        """Say something, to one member alone with `to`, and wait until more may be said. A slash at its beginning is text.

        Raises what has ended the conversation, NotDone where the text cannot be said, and Usage for `exit`.
        """
        conversation = self._conversation()
        refuse_other_types(text=(text, str), to=(to, str | None))
        if is_exit(text):
            raise Usage("The text `exit` ends a conversation.", "To do that, use close().")
        if self.room and not text.strip():
            raise NotDone("A message without a text is not sent.", code="empty")
        if why := too_long(text, self._limits.message):
            raise NotDone(why, SPLIT, TOO_LONG)
        if to is not None:
            await self.command("msg", to, text)
            return
        async with self._busy():
            conversation.say(f"/{text}" if self.room and text.startswith("/") else text)
            await conversation.drain()
            await asyncio.sleep(0)  # also a program that does nothing but send reads what is sent to it

    async def send_file(self, path: FileName, to: str | None = None) -> str:
        """Offer a file or folder, to one member alone with `to`, and wait until the others are told.

        `to` is a name, or the fingerprint of a key. Gives its number, which the events about it have as `transfer`. Raises what
        `command` raises. A program accepts what is offered to it with the command `accept` and that number, or with `yes=True`
        in advance.
        """
        refuse_other_types(path=(path, str | bytes | PathLike), to=(to, str | None))
        result = await self.command("send", path_word(fsdecode(path)), *([f"@{to}"] if to is not None else []))
        return str(result.data[0]["transfer"])

    async def command(self, name: str, *arguments: str) -> Result:
        """Give a command and wait for its answer. Raises NotDone where it is refused, and what has ended the conversation."""
        conversation = self._conversation()
        refuse_other_types(name=(name, str), **{f"argument {number}": (one, str) for number, one in enumerate(arguments, 1)})
        name = name.removeprefix("/")
        with self._inbox.expecting(f"/{name}") as (request, answer):
            async with self._busy():
                conversation.command(name, arguments, request)
                return await answer

    def tell_typing(self, on: bool = True) -> None:
        """Show those who asked for it that this program types, or no longer does. Raises Usage without `typing=True`."""
        if not self._conversation().tell_typing(on):
            raise Usage("Nobody is shown that this program types.", "Give typing=True, and be in a room.")

    def tell_read(self, event: Event) -> None:
        """Show them that everything up to this event is read. Raises Usage without `receipts=True`."""
        refuse_other_types(event=(event, Event))
        if not self._conversation().tell_read(event.id):
            raise Usage("Nobody is shown what this program has read.", "Give receipts=True, and be in a room.")

    @asynccontextmanager
    async def _busy(self) -> AsyncIterator[None]:
        """Wait for the conversation. Raises NotDone, or what has ended it meanwhile."""
        try:
            async with self._inbox.reading():
                yield
        except NotDone:
            if self._task and not self._inbox.conversation and not self._outlives:
                await asyncio.wait([self._task])
                self._raise_failure(self._task)
            raise

    def _check_loop(self) -> None:
        """Raises Usage where it has not begun, or began in another event loop."""
        if self._loop is None:
            raise Usage(*NOT_ENTERED)
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if not is_here:
            raise Usage(*OTHER_LOOP)

    def _conversation(self) -> Conversation:
        """What goes on. Raises what has ended it, and Usage where it has not begun."""
        self._check_loop()
        if self._task and self._task.done():
            self._raise_failure(self._task)
        if conversation := self._inbox.conversation:
            return conversation
        raise NotDone("Nobody is there to hear it: nobody has come, or the conversation is over.")
