"""How a user takes part in a conversation: directly or, if the stack has rooms, as a member of a room, as in the program."""

import asyncio
from collections.abc import Sequence
from inspect import signature
from typing import Any, NoReturn

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handler import ClientFeature, GroupFeature, MakesChat
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection


def make_chat(connection: Connection, features: Sequence[Feature]) -> DirectChat:
    """The conversation over a connection, as the features want it."""
    for feature in features:
        if isinstance(feature, MakesChat):
            chat: DirectChat = feature.make_chat(connection)
            return chat
    return DirectChat(connection)


class Attendance:
    """A user's part in a conversation that has opened; `talker` is what the user's program says lines to."""

    def __init__(self, session: DirectChat) -> None:
        self.session = session
        self.talker: Conversation = session
        self._lasting: asyncio.Task[Ending] | None = None

    def enter(self) -> None:
        """Begin to talk and to listen. Raises ChatError."""
        features = self.session.stack.features
        if self.session.role is Role.INITIATOR:
            self._enter_as_client(next((one for one in features if isinstance(one, ClientFeature)), None))
        else:
            self._enter_as_server(next((one for one in features if isinstance(one, GroupFeature)), None))

    def _enter_as_client(self, feature: ClientFeature | None) -> None:
        if feature is None:
            self.session.begin()
            return
        conversation = feature.begin(self.session, _no_second_connection, _attend)
        self.talker = conversation
        self._lasting = asyncio.create_task(conversation.over())

    def _enter_as_server(self, feature: GroupFeature | None) -> None:
        if feature is None:
            self.session.begin()
            return
        _tell_opened(feature, stack=self.session.stack, address="", hook=None, doors=(), end=_ignore, notice=_ignore)
        self.talker = feature.local_member(self.session.stack, self.session.address, self.session.exit)
        feature.attach(self.session)
        self.session.begin()

    async def over(self) -> Ending:
        """Return how it ended."""
        return await (self._lasting or self.session.over())

    def stop(self) -> None:
        """Stop taking part."""
        if self._lasting:
            self._lasting.cancel()


def _tell_opened(feature: Any, **known: Any) -> None:
    """Call the feature's hook `server_opened`, if it has one, with what of this it asks for."""
    if opened := getattr(feature, "server_opened", None):
        opened(**{name: known[name] for name in signature(opened).parameters})


async def _attend(session: DirectChat) -> Ending:
    session.begin()
    return await session.over()


async def _no_second_connection() -> NoReturn:
    raise CannotConnect("The lab connects once.")


def _ignore(told: ChatError | str) -> None:
    """What the server's user would be told besides the conversation."""
