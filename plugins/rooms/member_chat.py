"""The conversation with a member of a room, at the server. The member counts its messages, and answers goodbyes."""

import sys
from typing import Any, Protocol

from plytalk.core.contracts.items import Extension, Item, Undecodable
from plytalk.core.contracts.meter import Meter
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection


class ChatMember(Meter, Protocol):
    """What a conversation needs from its member. `taken` is the number of its messages over all its connections."""

    taken: int

    def hear_goodbye(self) -> None:
        """Take its goodbye, and call the conversation's `part` when everything that it said is done."""

    def say_late(self, text: str) -> bool:
        """Take a message after our goodbye. Return whether it was accepted."""

    def hear_extension(self, kind: int, body: bytes) -> None:
        """Take an `Extension` item."""

    def hear_pong(self, body: bytes) -> None:
        """Take a pong."""

    def catch_up(self) -> None:
        """Send it the events that the others in its room have been sent."""


class MemberChat(DirectChat):
    """A conversation whose member is set after it has opened. The member sends the acknowledgements."""

    __slots__ = ("member",)

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, **options)
        self._acknowledge_at = sys.maxsize
        self.member: ChatMember | None = None

    def attach(self, member: ChatMember) -> None:
        """Set the member."""
        self.member = self.connection.meter = member

    def hear_extension(self, item: Extension) -> None:
        if self.member:
            self.member.hear_extension(item.type, item.body)

    def hear_pong(self, body: bytes) -> None:
        if self.member:
            self.member.hear_pong(body)

    def hear_goodbye(self) -> None:
        if self.member:
            self.member.hear_goodbye()

    def hear_late(self, item: Item) -> None:
        if self._farewell and isinstance(item, str | Extension | Undecodable):
            taken = self.member is not None and isinstance(item, str) and self.member.say_late(item)
            self._farewell.ignored = self._farewell.ignored or not taken
        else:
            super().hear_late(item)

    def count_taken(self) -> int:
        return self.member.taken if self.member else 0

    def before_goodbye(self) -> None:
        if self.member:
            self.member.catch_up()

    def forget(self) -> None:
        self.member = None
        super().forget()
