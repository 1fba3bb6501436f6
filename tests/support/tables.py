"""A feature that brings all conversations of a server together, and a server with it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from serving import Serving, Shows, client

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import ChatError, Refused
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handler import ServerStack
from plytalk.core.contracts.items import EXIT, is_exit
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.testing import GivenKeys, RecordingUi
from plytalk.testing.verdict import idle, within


class ShowsBoth(Shows):
    """The client shows a key too."""

    shows = {Role.INITIATOR}

    async def initiate(self, io) -> SessionSecrets:
        return await GivenKeys.initiate(self, io)

    async def respond(self, io) -> SessionSecrets:
        secrets = await GivenKeys.respond(self, io)
        await io.ask(Identity("test", b"key"))
        return secrets


class Chair:
    """The person at the server."""

    role, identity = Role.RESPONDER, None

    def __init__(self, table: "Table", stack: ServerStack, address: str, leave: Callable[[], None]) -> None:
        self.table, self.stack, self.address, self._leave = table, stack, address, leave
        self.ending: Ending | None = None
        self.failed = False

    def say(self, text: str) -> None:
        if is_exit(text):
            self.exit()
        elif not self.ending:
            self.table.tell(f"chair: {text}")

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        self.say(f"/{name}")

    async def drain(self) -> None:
        pass

    def exit(self, text: str = EXIT) -> None:
        if not self.ending:
            self.ending = Ending(EndedBy.US, "You said exit.")
            self._leave()

    def notice(self, sentence: str) -> None:
        notify(self.stack.ui, sentence)


class Sitting:
    """One of those at the table."""

    raw = False

    def __init__(self, table: "Table", session: DirectChat) -> None:
        self.table, self.session = table, session
        self.notice = partial(notify, session.stack.ui)
        session.heard_by(self)
        session.when_over(lambda session, ending: table.sessions.remove(session))

    def message(self, text: str) -> None:
        if text == "break":
            raise ZeroDivisionError
        self.table.tell(text)


class Table(Feature):
    """Repeats to all what one says."""

    name = "table"

    def __init__(self) -> None:
        self.sessions: list[DirectChat] = []
        self.heard: list[str] = []
        self.closed: list[EndedBy] = []
        self.turned_away_at: list[tuple[str, str]] = []

    def refuse(self, identity: Identity | None) -> Refused | None:
        return None

    def holds_role(self, identity: Identity | None) -> bool:
        return False

    def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
        return Chair(self, stack, address, leave)

    def tell(self, text: str) -> None:
        self.heard.append(text)
        for session in self.sessions:
            session.say(text)

    def attach(self, session: DirectChat) -> None:
        self.sessions.append(session)
        Sitting(self, session)

    @hookimpl
    def session_closed(self, session: DirectChat, ending: Ending) -> None:
        self.closed.append(ending.by)

    @hookimpl
    def turned_away(self, address: str, error: ChatError) -> None:
        self.turned_away_at.append((address, error.sentence))


class Nobody(RecordingUi):
    """Nobody sits there."""

    name = "nobody"
    present = False


class Sits(RecordingUi):
    """Says nothing by itself."""


class Hosting(Serving):
    """A server with a table, and its guests."""

    async def __aenter__(self) -> "Hosting":
        await super().__aenter__()
        self.table = next(one for one in self._server.stack.features if isinstance(one, Table))
        self.talking: list[asyncio.Task[Ending]] = []
        return self

    async def __aexit__(self, *error) -> None:
        await super().__aexit__(*error)
        for task in self.talking:
            task.cancel()
        await asyncio.gather(*self.talking, return_exceptions=True)

    async def comes(self, *layers: Any, place: str = "") -> RecordingUi:
        its, ui = client(Sits, *layers)
        self.talking.append(asyncio.create_task(its.run(place or self._place, 0)))
        await ui.until(open=True)
        return ui

    async def holds(self, count: int) -> None:
        async def wait() -> None:
            while len(self.table.sessions) != count:
                await idle()

        await within(wait(), f"There are {len(self.table.sessions)} at the table.")

    @property
    def stop(self) -> Callable[[], None]:
        return self._server.stop
