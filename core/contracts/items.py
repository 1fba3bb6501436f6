"""Items: what one side sends the other. A message is a plain `str`; everything else is one of these classes."""

import re
from enum import IntEnum

from msgspec import Struct

EXIT = "exit"
EXIT_SPACE = 64
"""A line of this many characters or more is never an `exit`."""


class CloseReason(IntEnum):
    """Why one side ends a conversation. A client has only the first reason."""

    SAID_EXIT = 0
    """Its user said exit, or its input ended."""
    KICKED = 1
    """An operator removed this member."""
    BANNED = 2
    """This member's key is banned."""
    SHUTDOWN = 3
    """The server is stopping; another one may take its place."""
    REFUSED = 4
    """The server does not let this identity in."""
    TOO_SLOW = 5
    """This member did not read what it was sent."""
    IDLE = 6
    """The server is full and this member was idle."""
    BUSY = 7
    """The server is full, or is talking to someone else."""


class Close(Struct, frozen=True):
    """The end of a conversation, said by one side. `text` is the line that ended it, as typed.

    `reason` is a `CloseReason`, or a number that this version does not know; `sentence` explains it to the peer's user. Messages
    that are plain text carry neither.
    """

    text: str = EXIT
    reason: int = CloseReason.SAID_EXIT
    sentence: str = ""


class Empty(Struct, frozen=True):
    """An item without content. It is sealed like any other, so only a side with the keys can have sent it."""


class Undecodable(Struct, frozen=True):
    """A message whose bytes are not text; `text` is what could be read of it."""

    text: str


class Ping(Struct, frozen=True):
    """Asks for a `Pong` with the same bytes."""

    body: bytes = b""


class Pong(Struct, frozen=True):
    """Answers a `Ping`."""

    body: bytes = b""


class Control(Struct, frozen=True):
    """A message between layers and not between people, such as between authenticators."""

    body: bytes


class Ack(Struct, frozen=True):
    """The number of messages, from the first on, that the other side has received."""

    taken: int


class Extension(Struct, frozen=True):
    """An item of a feature's own type, from 8 on; see `DirectChat.extend`."""

    type: int
    body: bytes


Item = str | Close | Empty | Undecodable | Ping | Pong | Control | Ack | Extension
"""Every kind of item."""


is_exit = re.compile(rf"(?s)(?!.{{{EXIT_SPACE}}})\s*[eE][xX][iI][tT]\s*").fullmatch
"""Whether a line ends the chat: `exit` in capitals or not, with spaces around it or not, in fewer than EXIT_SPACE characters."""
