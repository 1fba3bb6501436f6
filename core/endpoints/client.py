"""The endpoint that connects: from a stack to an `Ending`. The one that listens is in `server.py`."""

from functools import partial

from plytalk.core.contracts.errors import CannotConnect, ChatError, HandshakeFailed, Refused, StackMismatch
from plytalk.core.contracts.peers import Role
from plytalk.core.endpoints.endpoint import BaseEndpoint
from plytalk.core.pipeline.session import EndedBy, Ending, Session


class Client(BaseEndpoint):
    """The end that connects."""

    async def run(self, host: str, port: int) -> Ending:
        """Connect and talk. Raises ChatError where no conversation comes about.

        A feature may have it connect again after an ending, and again until that succeeds.
        """
        self.stack.refuse(Role.INITIATOR)
        await self.prepare_layers(Role.INITIATOR, self.stack)
        try:
            ending = await self._talk(host, port)
            while await self._again(ending):
                try:
                    ending = await self._talk(host, port)
                except (
                    CannotConnect,
                    HandshakeFailed,
                    StackMismatch,
                ) as error:  # the last: it is just ending
                    if isinstance(error, Refused):
                        raise
                    ending = Ending(EndedBy.FAULT, error.sentence, error)
            return ending
        finally:
            await self.release_features()

    async def _again(self, ending: Ending) -> bool:
        return any([await feature.again(ending) for feature in self.stack.features])

    async def _talk(self, host: str, port: int) -> Ending:
        session = await self._connected(host, port)
        address = session.address
        try:
            await session.open(is_there=partial(self._is_there, host, port))
        except HandshakeFailed as error:
            if not session.approved or isinstance(
                error, Refused
            ):  # what this side itself refused did not fail because of the wait
                raise
            self.stack.ui.notice("The other side did not wait for your answer: connecting again.")
            session = await self._connected(host, port, address)
            await session.open()
        return await self.converse(session)

    async def _connected(self, host: str, port: int, address: str = "") -> Session:
        stream = await self.call_transport(self.stack.transport, self.stack.transport.connect, host, port)
        address = address or stream.peer
        return self.make_session(self.stack, stream, Role.INITIATOR, address=address)

    async def _is_there(self, host: str, port: int) -> bool:
        """Whether the server still listens; it sees a connection that closes at once."""
        try:
            stream = await self.call_transport(self.stack.transport, self.stack.transport.connect, host, port)
        except ChatError:
            return False
        stream.close()
        return True
