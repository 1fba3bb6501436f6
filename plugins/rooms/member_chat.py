"""The conversation with one member of a room, at the server: the member counts what was taken, and answers goodbyes."""

import sys
from typing import Any, Protocol

from plytalk.core.contracts.items import Extension, Item, Undecodable
from plytalk.core.contracts.meter import Meter
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection


class ChatMember(Meter, Protocol):
    """What a conversation asks of its member. `taken` is how many messages the member has said over all its connections."""

    taken: int

    def hear_goodbye(self) -> None:
        """It has said goodbye: call `part` of its conversation when all that it said has been done."""

    def say_late(self, text: str) -> bool:
        """It said something after our goodbye. Returns whether that was taken."""

    def hear_extension(self, kind: int, body: bytes) -> None:
        """It sent an `Extension` of this type."""

    def hear_pong(self) -> None:
        """It sent a pong."""

    def catch_up(self) -> None:
        """Send it what the others in its room have been told."""


class MemberChat(DirectChat):
    """The member is set when the conversation has opened. It sends the acknowledgements itself."""

    __slots__ = ("member",)

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, **options)
        self._acknowledge_at = sys.maxsize
        self.member: ChatMember | None = None

    def attach(self, member: ChatMember) -> None:
        """The conversation is with this member from now on."""
        self.member = self.connection.meter = member

    def hear_extension(self, item: Extension) -> None:
        if self.member:
            self.member.hear_extension(item.type, item.body)

    def hear_pong(self, body: bytes) -> None:
        if self.member:
            self.member.hear_pong()

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
