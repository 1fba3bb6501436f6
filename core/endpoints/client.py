"""The endpoint that connects: from a stack to an `Ending`. The one that listens is in `server.py`."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError, HandshakeFailed, Refused
from plytalk.core.contracts.handler import ClientFeature
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.endpoint import BaseEndpoint, close

Locate = Callable[[], Awaitable[Sequence[tuple[str, int]]]]
"""Returns hosts and ports, the best first, at least one. Raises CannotConnect."""


class Client(BaseEndpoint):
    """The endpoint that connects. `announce` is called after the UI has shown whom it talks to."""

    def __init__(self, *args: Any, announce: Callable[[], None] = lambda: None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._announce = announce
        self._name = ""
        self._locate: Locate | None = None

    async def run(self, host: str, port: int, name: str = "", locate: Locate | None = None) -> Ending:
        """Connect and talk; a feature may do so over as many connections as it needs. Raises ChatError.

        `name` is the address under which the server's key is known, if it differs from `host`. `locate` finds the addresses to
        try for each connection, in place of `host` and `port`.
        """
        self._name, self._locate = name, locate
        with self.naming_faults():
            self.stack.refuse(Role.INITIATOR)
            self.notice_all(await self.prepare_layers(Role.INITIATOR, self.stack))
            return await self._talk(host, port)

    async def _talk(self, host: str, port: int) -> Ending:
        try:
            session = await self._connect(host, port)
            feature = next((feature for feature in self.stack.features if isinstance(feature, ClientFeature)), None)
            if feature is None:
                return await self.converse(session, self._announce)
            conversation = feature.begin(session, partial(self._connect, host, port), self._attend)
            try:
                return await self.run_ui(conversation, conversation.over, self._announce, conversation.interrupt)
            finally:
                close(session)  # if the UI has failed, nobody has
        finally:
            await self.release_features()

    async def _attend(self, session: DirectChat) -> Ending:
        with self.report_session(session):
            session.begin()
            return await session.over()

    async def _connect(self, host: str, port: int) -> DirectChat:
        """Open a connection. If the other side did not wait for the user's answer, open another one."""
        session = await self._reach(host, port)
        try:
            await session.open(is_there=partial(self._is_there, host, port))
        except HandshakeFailed as error:
            if not session.connection.approved or isinstance(
                error, Refused
            ):  # a refusal by this side has nothing to do with the wait
                raise
            self.notice("The other side did not wait for your answer: connecting again.")
            session = await self._reach(host, port, session.address)
            await session.open()
        return session

    async def _reach(self, host: str, port: int, address: str = "") -> DirectChat:
        stream = await self._dial(host, port)
        address = address or self._name or stream.peer
        return self.make_session(self.stack, stream, Role.INITIATOR, address=address)

    async def _is_there(self, host: str, port: int) -> bool:
        """Return whether the server still listens. The server sees a connection that closes at once."""
        try:
            stream = await self._dial(host, port)
        except ChatError:
            return False
        stream.close()
        return True

    async def _dial(self, host: str, port: int) -> Stream:
        transport = self.stack.transport
        *first, last = await self._locate() if self._locate else [(host, port)]
        for place in first:
            with suppress(CannotConnect):
                return await self.call_transport(transport, transport.connect, *place)
        return await self.call_transport(transport, transport.connect, *last)
