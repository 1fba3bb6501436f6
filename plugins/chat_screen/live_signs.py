"""Typing indicators and read receipts, in both directions, if the user has chosen them. A message
counts as read at the next key press: a terminal cannot tell whether somebody looks at it.
"""

import asyncio
from collections.abc import Callable

from plytalk.core.contracts.events import Closed, Event, Left, MemberEvent, Message, Read, Renamed, Typing, You
from plytalk.core.contracts.ui import Conversation
from plytalk.plugins.chat_screen.event_rows import FAINT, styled
from plytalk.plugins.chat_screen.wrapping import wrap

AGAIN = 3.0
"""Seconds after which the signal is sent again if the user is still typing."""
LASTING = 2 * AGAIN
"""For how many seconds a member counts as typing."""
PAUSE = 1.0
"""How often, in seconds, the others are told at most how far the user has read."""
MOST_NAMES = 3
MOST_SHOWN = 50
"""From how many members on a room passes no signals on: of more than these, what a server tells is not shown."""


class LiveSigns:
    """`redraw` redraws the row above the input line."""

    def __init__(self, redraw: Callable[[], None]) -> None:
        self._redraw = redraw
        self._conversation: Conversation | None = None
        self._told: float | None = None  # when the others were told that the user types
        self._shown = self._seen = self._read = ""  # the last message shown, seen, and known by the others to be read
        self._pause: asyncio.TimerHandle | None = None
        self._typing: dict[str, asyncio.TimerHandle] = {}
        self._mine = 0  # the number of the user's last message
        self._readers: dict[str, None] = {}

    def begin(self, conversation: Conversation) -> None:
        """A conversation begins on the screen."""
        self._conversation = conversation

    # -- what the user does -----------------------------------------------------------------------------------------------

    def changed(self, text: str) -> None:
        """Note the half-typed line. A line that may become a command is not signalled."""
        types, now = bool(text.strip()) and not text.startswith("/"), asyncio.get_running_loop().time()
        if types and (self._told is None or now - self._told >= AGAIN):
            self._told = now
            self._tell_typing(True)
        elif not types and self._told is not None:
            self._told = None
            self._tell_typing(False)

    def entered(self) -> None:
        """Note that a line was entered: its event ends the typing."""
        self._told = None

    def pressed(self) -> None:
        """A key was pressed: everything on the screen is read."""
        self._seen = self._shown
        if self._pause is None:
            self._tell_read()

    def _tell_typing(self, on: bool) -> None:
        if self._conversation:
            self._conversation.tell_typing(on)

    def _tell_read(self) -> None:
        self._pause = None
        if self._conversation and self._seen != self._read:
            self._read = self._seen
            self._conversation.tell_read(self._read)
            self._pause = asyncio.get_running_loop().call_later(PAUSE, self._tell_read)

    # -- what the others do -----------------------------------------------------------------------------------------------

    def note(self, event: Event) -> None:
        """Note what an event tells."""
        match event:
            case Typing(on=True):
                self._begin_typing(event.sender.name or "")
            case Read():
                self._has_read(event)
            case Message():
                self._said(event)
            case Typing() | Left() | Renamed():
                self._end_typing(event.sender.name or "")
            case You() | Closed():
                self._forget()

    def _begin_typing(self, name: str) -> None:
        if len(self._typing) >= MOST_SHOWN and name not in self._typing:
            return
        timer = asyncio.get_running_loop().call_later(LASTING, self._end_typing, name)
        if before := self._typing.pop(name, None):
            before.cancel()
        self._typing[name] = timer
        if before is None:
            self._redraw()

    def _end_typing(self, name: str) -> None:
        if timer := self._typing.pop(name, None):
            timer.cancel()
            self._redraw()

    def _has_read(self, event: Read) -> None:
        name = event.sender.name or ""
        is_new = name not in self._readers and len(self._readers) < MOST_SHOWN
        if self._mine and number_in(event.last) >= self._mine and is_new:
            self._readers[name] = None
            self._redraw()

    def _said(self, event: Message) -> None:
        if event.own and not event.replayed:
            self._mine, self._readers = number_in(event.id), {}
        elif not event.own:
            self._shown = event.id
            self._end_typing(event.sender.name or "")

    def _forget(self) -> None:
        for timer in self._typing.values():
            timer.cancel()
        self._typing, self._readers, self._mine, self._told = {}, {}, 0, None

    # -- the row ----------------------------------------------------------------------------------------------------------

    def rows(self, columns: int) -> list[str]:
        """The row above the input line, or none."""
        typing = f"{named(self._typing)} typing" if self._typing else ""
        read = f"read by {', '.join(self._readers)}" if self._readers else ""
        text = " · ".join(filter(None, (typing, read)))
        return [styled(wrap(text, columns)[0], FAINT)] if text else []


def named(names: dict[str, asyncio.TimerHandle]) -> str:
    """Members as the subject of a sentence."""
    if len(names) > MOST_NAMES:
        return f"{len(names)} members are"
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def number_in(id: str) -> int:
    """The number of an event, by its id."""
    number = id.rpartition("/")[2]
    return int(number) if number.isdecimal() else 0


def is_live(event: MemberEvent) -> bool:
    """Whether an event is shown only in that row."""
    return isinstance(event, Typing | Read)
