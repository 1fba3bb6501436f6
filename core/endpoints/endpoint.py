"""The base class of both endpoints: a stack, the hooks, and a UI that talks until the conversation is over."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar

from msgspec.structs import replace

from plytalk.core.contracts.blame import blame, blame_hook, blame_one, blaming, replacing_faults, returned
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import BrokenPlugin, ChatError, NotDone, UnknownPeer
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.handler import MakesChat
from plytalk.core.contracts.interruption import ignore_faults, let_through
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.optional import Releases, prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.heartbeat import Heartbeat
from plytalk.core.conversation.ui_hearer import show_closed, show_open, show_two
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.pipeline.trial import tried
from plytalk.core.stack.selection import Stack

T = TypeVar("T")
PLUGIN_FAILED = "A plugin of this server has failed."
"""What a client reads when its conversation ends because of this."""
BEFORE_THE_START = "raised {} before the start."


async def stop(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait for their end, ignoring their exceptions."""
    try:
        await asyncio.sleep(0)  # what was started and has not begun yet begins, so that it cleans up after itself
    finally:  # this may be cancelled, too
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _ask_nobody(prompt: str) -> str:
    raise UnknownPeer(f"{prompt} Nobody can be asked here.")


def interrupt(session: DirectChat) -> bool:
    """Say goodbye. Return whether the other side may still receive something."""
    is_open = not session.ending
    session.exit()
    return is_open


def part(session: DirectChat, fault: ChatError) -> None:
    """Say goodbye to a peer without a conversation yet, because of this error."""
    if isinstance(fault, BrokenPlugin) and session.role is Role.RESPONDER:
        session.exit(reason=CloseReason.BUSY, sentence=PLUGIN_FAILED)
    else:
        session.exit()


def close(session: DirectChat) -> None:
    """Say goodbye if neither side has, close the stream, and drop the keys."""
    session.exit()
    session.stream.close()
    session.forget()


class BaseEndpoint:
    """A stack, the hooks, limits, and perhaps a trace."""

    def __init__(
        self,
        stack: Stack,
        hook: Any,
        *,
        limits: Limits | None = None,
        trace: Trace | None = None,
        secret: Callable[[str], str] = _ask_nobody,
    ) -> None:
        self.stack, self._hook, self.limits, self._trace, self._secret = stack, hook, limits or Limits(), trace, secret
        self._heartbeat = Heartbeat(self.limits.ping)
        self._made = 0  # sessions
        makers = (feature.make_chat for feature in stack.features if isinstance(feature, MakesChat))
        self._make_chat: Callable[..., DirectChat] = next(makers, DirectChat)

    def naming_faults(self) -> AbstractContextManager[None]:
        """Turn an exception that a layer raises by mistake into an error that names the layer."""
        return replacing_faults(lambda error: blame(error, self.stack.layers))

    async def prepare_layers(self, role: Role, stack: Stack) -> list[str]:
        """Prepare the layers, and show this end's identity. Return the sentences of the other layers, to show later."""
        if fault := tried(stack):
            raise fault
        told: list[str] = []
        for layer in (stack.transport, stack.handshake, *stack.auths, stack.ui, *stack.features):
            sentences = await self.prepare_layer(role, layer)
            if layer is stack.transport or layer is stack.handshake:  # handshakes have the keys of this end
                self.notice_all(sentences)
            else:
                told += sentences
        return told

    async def prepare_layer(self, role: Role, layer: Layer) -> Sequence[str]:
        with blaming(layer, BEFORE_THE_START):
            told = await prepare(layer, role, self._secret)
        if not isinstance(told, Sequence):
            raise returned(layer, "ready", told)
        return told

    async def release_features(self) -> None:
        for feature in self.stack.features:
            if isinstance(feature, Releases):
                with ignore_faults():  # the end is over: nobody else can close what a feature cannot
                    await feature.release()

    @staticmethod
    async def call_transport(transport: Transport, way: Callable[[str, int], Awaitable[T]], host: str, port: int) -> T:
        with blaming(transport):
            got = await way(host, port)
        if not isinstance(got, Stream | Listener):
            raise returned(transport, way.__name__, got)
        return got

    def make_session(
        self, stack: Stack, stream: Stream, role: Role, *, notice: Callable[[str], None] | None = None, **options: Any
    ) -> DirectChat:
        self._made += 1
        group = f"connection {self._made}" if self._made > 1 else ""
        limits = self.limits.patient(stack.transport.patience)
        connection = Connection(stack, stream, role, limits=limits, trace=self._trace, group=group, **options)
        return self._make_chat(connection, heartbeat=self._heartbeat, notice=notice)

    async def converse(self, session: DirectChat, announce: Callable[[], None] = lambda: None) -> Ending:
        """Run a whole conversation. Raises BrokenPlugin if a hook or the UI fails; the peer gets a goodbye first. `announce` is
        called after the UI has shown whom it talks to.
        """

        def begin() -> None:
            announce()
            show_two(self.stack.ui, session)
            session.begin()

        with self.report_session(session):
            return await self.run_ui(session, session.over, begin, partial(interrupt, session))

    @contextmanager
    def report_session(self, session: DirectChat) -> Iterator[None]:
        """Tell the plugins that a conversation opens and that it is over. In every case the peer gets a goodbye."""
        opened = False
        try:
            try:
                self.call_hook("session_opened", session=session)
            except ChatError as fault:
                part(session, fault)
                raise
            opened = True
            yield
        finally:
            close(session)
            if opened:
                self.tell_closed(session)

    def tell_closed(self, session: DirectChat) -> None:
        try:
            self.call_hook("session_closed", session=session, ending=session.ending)
        except ChatError as error:
            with ignore_faults():
                self.notice(error.sentence)

    def notice(self, sentence: str) -> None:
        """Tell the user something about a peer."""
        notify(self.stack.ui, sentence)

    def notice_all(self, sentences: Iterable[str]) -> None:
        """Tell the user about this end, at once and outside the limit on notices about peers."""
        for sentence in sentences:
            notify(self.stack.ui, sentence)

    async def run_ui(
        self,
        conversation: Conversation,
        over: Callable[[], Awaitable[Ending]],
        begin: Callable[[], None] = lambda: None,
        interrupt: Callable[[], bool] | None = None,
    ) -> Ending:
        """Let the UI talk until the conversation is over. Raises BrokenPlugin if the UI fails. When the user interrupts,
        `interrupt` says goodbye and returns whether the other side may still receive what was said.
        """
        ui = self.stack.ui
        tasks: tuple[asyncio.Task[Any], ...] = ()
        try:
            show_open(ui, conversation)
            tasks = (typing := asyncio.create_task(self._type(conversation)),)
            await asyncio.sleep(0)  # it must begin before the first message is shown
            begin()
            tasks = typing, (end := asyncio.ensure_future(over()))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if typing.done():
                typing.result()
            ending: Ending = await asyncio.shield(end)  # an interruption must not close the stream before our goodbye
        except BaseException as error:
            if interrupt is None:
                conversation.exit()
            elif interrupt() and tasks[1:]:  # what was said may still arrive; a second interruption stops waiting for it
                await asyncio.wait(tasks[1:])
            self._blame_ui(error)
        finally:
            await stop(*tasks)
            if tasks[1:] and conversation.ending and conversation.ending.error and tasks[1].cancelled():
                self.notice(conversation.ending.error.sentence)
        if conversation.failed and not ui.interactive and not ending.error:  # scripts read the exit code
            ending = replace(ending, error=NotDone())
        try:
            show_closed(ui, ending)
        except BaseException as error:
            self._blame_ui(error)
        return ending

    async def _type(self, conversation: Conversation) -> None:
        """Run the UI's reader. SystemExit from a task would end the loop, so it becomes a ChatError here."""
        try:
            await self.stack.ui.run(conversation)
        except BaseException as error:
            self._blame_ui(error)

    def _blame_ui(self, error: BaseException) -> NoReturn:
        try:
            let_through(error)
            if isinstance(error, ChatError):
                raise error
            said = "raised {}; the conversation ends here."
            raise (blame(error, self.stack.layers, said) or blame_one(error, self.stack.ui, said)) from error
        finally:
            del error  # as in `let_through`: no reference cycle

    def call_hook(self, hook: str, /, **what: Any) -> None:
        caller = getattr(self._hook, hook)
        try:
            caller(**what)
        except ChatError:
            raise
        except BaseException as error:
            let_through(error)
            called = [implementation.function for implementation in caller.get_hookimpls()]
            raise blame_hook(error, hook, called, caller.spec.function) from error
