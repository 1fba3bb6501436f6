"""The two ends of a conversation: one connects, one listens. From a stack to an `Ending`."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, TypeVar

from plytalk.core.doorway import Doorway
from plytalk.core.errors import BrokenPlugin, CannotConnect, ChatError, HandshakeFailed, Refused, RemoteError, UnknownPeer
from plytalk.core.keys import Role
from plytalk.core.layers import Stream
from plytalk.core.limits import Limits
from plytalk.core.sanitise import clean
from plytalk.core.session import Ending, Session
from plytalk.core.stack import Stack
from plytalk.core.trace import Trace

T = TypeVar("T")


async def stop(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait for their end, whatever that is."""
    await asyncio.sleep(0)  # what was started and has not begun yet begins, so that it cleans up after itself
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _nobody(prompt: str) -> str:
    raise UnknownPeer(f"{prompt} Nobody can be asked here.")


class End:
    """What both ends share: a stack, the hooks that hear of conversations, limits, and perhaps a trace."""

    def __init__(
        self,
        stack: Stack,
        hook: Any,
        *,
        limits: Limits | None = None,
        trace: Trace | None = None,
        secret: Callable[[str], str] = _nobody,
    ) -> None:
        self.stack, self._hook, self._limits, self._trace, self._secret = stack, hook, limits or Limits(), trace, secret

    def _session(self, stream: Stream, role: Role, address: str = "") -> Session:
        return Session(self.stack, stream, role, address=address, limits=self._limits, trace=self._trace)

    async def _ready(self, role: Role) -> None:
        for layer in (self.stack.transport, self.stack.handshake, *self.stack.auths, self.stack.ui, *self.stack.features):
            try:
                sentences = await layer.ready(role, self._secret)
            except ChatError:
                raise
            except Exception as error:
                raise BrokenPlugin(f"The {layer.kind} `{layer.name}` raised {type(error).__name__} before the start.") from error
            for sentence in sentences:
                self.stack.ui.notice(clean(sentence))

    async def _reached(self, way: Callable[[str, int], Awaitable[T]], host: str, port: int) -> T:
        try:
            return await way(host, port)
        except ChatError:
            raise
        except Exception as error:
            raise BrokenPlugin(f"The transport `{self.stack.transport.name}` raised {type(error).__name__}.") from error

    async def _converse(self, session: Session) -> Ending:
        """From the first word to the last. Raises BrokenPlugin where a hook or the UI fails; the peer gets a goodbye first."""
        ui = self.stack.ui
        tasks: tuple[asyncio.Task[Any], ...] = ()
        try:
            self._tell("session_opened", session=session)
            ui.opened(session)
            session.begin()
            typing, over = tasks = asyncio.create_task(ui.run(session)), asyncio.create_task(session.over())
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if typing.done():
                typing.result()
            ending: Ending = await asyncio.shield(over)  # whoever interrupts us must not close the stream before our goodbye
        except BaseException as error:
            session.exit()
            self._blame_ui(error)
        finally:
            await stop(*tasks)
            session.stream.close()
        try:
            ui.closed(session, ending)
        except Exception as error:
            self._blame_ui(error)
        try:
            self._tell("session_closed", session=session, ending=ending)
        except ChatError as error:
            ui.notice(error.sentence)
        return ending

    def _blame_ui(self, error: BaseException) -> NoReturn:
        if isinstance(error, ChatError) or not isinstance(error, Exception):
            raise error
        raise BrokenPlugin(f"The ui `{self.stack.ui.name}` raised {type(error).__name__}; the conversation ends here.") from error

    def _tell(self, hook: str, **what: Any) -> None:
        caller = getattr(self._hook, hook)
        try:
            caller(**what)
        except ChatError:
            raise
        except Exception as error:
            plugins = {implementation.plugin_name for implementation in caller.get_hookimpls()}
            modules = (frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__))
            culprit = next((module for module in modules if module in plugins), "a plugin")
            raise BrokenPlugin(f"The hook `{hook}` of {culprit} raised {type(error).__name__}.") from error


class Client(End):
    """The end that connects."""

    async def run(self, host: str, port: int) -> Ending:
        """Connect and talk. Raises ChatError where no conversation comes about."""
        self.stack.refuse(Role.INITIATOR)
        await self._ready(Role.INITIATOR)
        stream = await self._reached(self.stack.transport.connect, host, port)
        session = self._session(stream, Role.INITIATOR, stream.peer)
        try:
            await session.open()
        except HandshakeFailed as error:
            if not session.approved or isinstance(error, Refused):  # what this side itself refused was no matter of waiting
                raise
            self.stack.ui.notice("The other side did not wait for your answer: connecting again.")
            again = await self._reached(self.stack.transport.connect, host, port)
            session = self._session(again, Role.INITIATOR, stream.peer)
            await session.open()
        return await self._converse(session)


class Server(End):
    """The end that listens. A peer whose handshake fails costs one notice and nothing else.

    `announce(address)` gives sentences for the moment when it listens, `introduce(session)` for each peer that got in.
    """

    def __init__(
        self,
        *args: Any,
        announce: Callable[[str], Iterable[str]] = lambda address: (),
        introduce: Callable[[Session], Iterable[str]] = lambda session: (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._announce, self._introduce = announce, introduce

    async def run(self, host: str, port: int, *, keep: bool = False) -> Ending:
        """Listen and talk: to one peer, or with `keep` to one after the other, until cancelled. Raises CannotConnect."""
        self.stack.refuse(Role.RESPONDER)
        await self._ready(Role.RESPONDER)
        self._listener = await self._reached(self.stack.transport.listen, host, port)
        self._keep = keep
        self._busy = False
        loop = asyncio.get_running_loop()
        self._doorway = Doorway(self._limits, loop.time)
        self._first: asyncio.Future[Ending] = loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            self.stack.ui.waiting(self._listener.address)
            self.stack.ui.notice(f"Listening on {self._listener.address} with {self.stack.line}.")
            for sentence in self._announce(self._listener.address):
                self.stack.ui.notice(sentence)
            self._start(self._accept())
            return await self._first
        finally:
            await stop(*self._tasks)
            await self._listener.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._first.done():
            self._first.set_exception(error)

    async def _accept(self) -> None:
        while not self._busy or self._keep:
            try:
                stream = await self._listener.accept()
            except CannotConnect:
                if self._busy and not self._keep:
                    return  # one conversation is enough
                raise
            if self._doorway.refuses(stream.peer):
                stream.close()
                continue
            # Not in the task: more may be accepted before it begins.
            self._doorway.enter(stream, stream.peer, partial(self._send_away, stream, self._start(self._welcome(stream))))

    @staticmethod
    def _send_away(stream: Stream, welcome: "asyncio.Task[None]") -> None:
        stream.close()
        welcome.cancel()

    async def _welcome(self, stream: Stream) -> None:
        session = self._session(stream, Role.RESPONDER)
        if not await self._let_in(session):
            if self._spent and not self._busy and not len(self._doorway) and not self._first.done():
                self._first.set_exception(Refused(self._spent))  # and nobody else can come in any more
        elif self._busy:
            self._notice(f"{session.address} was turned away: this server talks to one at a time.")
            stream.close()
        else:
            await self._talk(session)

    async def _let_in(self, session: Session) -> bool:
        failed = False
        try:
            await session.open()
        except ChatError as error:
            failed = isinstance(error, RemoteError)
            self._notice(f"{session.address} did not get in: {error.sentence}")
            return False
        finally:
            self._doorway.leave(session.stream, failed)
        return True

    def _notice(self, sentence: str) -> None:
        with suppress(Exception):  # a notice about one peer that cannot be shown is no reason to end for all
            self.stack.ui.notice(clean(sentence))

    @property
    def _spent(self) -> str:
        return next((auth.spent for auth in self.stack.auths if auth.spent), "")

    async def _talk(self, session: Session) -> None:
        self._busy = True
        if not self._keep:
            await self._listener.close()
        for sentence in self._introduce(session):
            self._notice(sentence)
        try:
            ending = await self._converse(session)
        except ChatError as error:
            if not self._keep or self._spent:
                raise
            self._notice(error.sentence)
        else:
            if not self._keep or self._spent:
                self._first.set_result(ending)
            elif ending.error:
                self._notice(ending.error.sentence)
        finally:
            self._busy = not self._keep  # once is once, even for whoever is still in the handshake
