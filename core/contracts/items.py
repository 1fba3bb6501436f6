"""What can be said: a message is a plain `str`; everything else is one of these."""

import re
from enum import IntEnum

from msgspec import Struct

EXIT = "exit"
EXIT_SPACE = 64
"""A line of so many characters is never an `exit`, whatever stands around it."""


class CloseReason(IntEnum):
    """Why one side ends a conversation. Only a server has other reasons than the first."""

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
    """Nothing at all, sealed like anything else: only a side that holds the keys can have sent it."""


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
    """Something for a layer and not for the people: what authenticators say to each other goes in these."""

    body: bytes


class Ack(Struct, frozen=True):
    """The other side took so many of our messages, counted from the first."""

    taken: int


class Extension(Struct, frozen=True):
    """An item of a type that a feature brings, from 8 on; see `DirectChat.extend`."""

    type: int
    body: bytes


Item = str | Close | Empty | Undecodable | Ping | Pong | Control | Ack | Extension
"""Everything that can be said."""


is_exit = re.compile(rf"(?s)(?!.{{{EXIT_SPACE}}})\s*[eE][xX][iI][tT]\s*").fullmatch
"""Whether a line ends the chat: `exit`, trimmed and in any case, in fewer than EXIT_SPACE characters."""
