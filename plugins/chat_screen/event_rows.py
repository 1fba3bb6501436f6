"""Events as rows of a terminal: times, colours, wrapping with a hanging indent, and lines between what is old and what is new."""

import re
from datetime import date, datetime

from msgspec import Struct, field

from plytalk.core.contracts.events import Error, Event, MemberEvent, Message, Result, is_way_in
from plytalk.plugins.chat_screen.name_colours import NameColours, colour_code, mark
from plytalk.plugins.chat_screen.plain_lines import told_lines
from plytalk.plugins.chat_screen.wrapping import width_of, wrap

TIME = "%H:%M "
DEEPEST = 3
"""The hanging indent is at most this part of the width: a third."""
HANGING = 2
"""The indent of what goes on in an answer, which has several lines."""
BOLD, FAINT, ITALIC, LOUD = "1", "2", "3", "1;7"
"""Styles that are not colours, as SGR parameters (ECMA-48 8.3.117); the last is for what needs attention."""


class EventRows(Struct):
    """Draws events for one reader, whose name is `me`. `prompt` and `received` come before the messages of sides without
    names.
    """

    prompt: str
    received: str
    colour: bool
    encoding: str = "utf-8"
    me: str = ""
    names: NameColours = field(default_factory=NameColours)
    day: date = field(default_factory=lambda: datetime.now().date())

    def draw(self, event: Event, columns: int) -> list[str]:
        """The rows of an event, each at most this many cells wide."""
        if isinstance(event, Message) and event.sender.name is None:
            return wrap(f"{self.prompt if event.own else self.received}{event.text}", columns)
        if is_way_in(event):
            return told_lines(event)  # for copying: the terminal wraps it, and copies it in one piece
        if not isinstance(event, MemberEvent):
            style = BOLD if isinstance(event, Error) else ""
            indent = HANGING if isinstance(event, Result) else 0
            return [styled(row, style) for line in told_lines(event) for row in wrap(line, columns, 0, indent)]
        at = event.time.astimezone()
        rows = self._date(at.date())
        for line in told_lines(event):
            if isinstance(event, Message):
                rows += self._speech(event, line.removesuffix(event.text), f"{at:{TIME}}", columns)
            else:
                rows += [styled(row, FAINT) for row in wrap(f"{at:{TIME}}{line}", columns, 0, min(8, columns // DEEPEST))]
        return rows

    def mentions(self, event: Event) -> bool:
        """Whether a message is meant for this reader: whether it is private, or has the reader's name in it."""
        if not isinstance(event, Message) or event.own or event.sender.name is None:
            return False
        return event.private or bool(self.me and re.search(rf"(?<!\w){re.escape(self.me)}(?!\w)", event.text, re.IGNORECASE))

    def _date(self, day: date) -> list[str]:
        """A line when a new day begins."""
        if day == self.day:
            return []
        self.day = day
        return [styled(f"--- {day} ---", FAINT)]

    def _speech(self, event: Message, head: str, time: str, columns: int) -> list[str]:
        """What a member says. `head` is everything before the text, including the name."""
        loud = self.mentions(event)
        head, drawn = self._head(event, head)
        taken = width_of(time + head)
        if taken >= columns:
            taken = 0
        first, *rest = wrap(event.text, columns, taken, min(taken, columns // DEEPEST))
        style = ";".join(filter(None, (ITALIC if event.private else "", BOLD if loud else "")))
        return [
            f"{styled(time.rstrip(), LOUD if loud else FAINT)} {drawn}" + styled(first, style),
            *(styled(row, style) for row in rest),
        ]

    def _head(self, event: Message, head: str) -> tuple[str, str]:
        """The text before a message, plain and as it is drawn, the name with its colour or its mark."""
        name = event.sender.name or ""
        place = self.names.place(event.sender.key or name)
        before, found, after = head.partition(name)
        badge = "" if self.colour else f"{mark(place, self.encoding)} "
        if (event.private and event.own) or not found:
            return head, head
        return (
            f"{before}{badge}{name}{after}",
            f"{before}{styled(badge + name, colour_code(place) if self.colour else '')}{after}",
        )


def separator(earlier: int) -> str:
    """The line between what was said before, and what is new."""
    return styled(f"--- {earlier} earlier message{'s' * (earlier != 1)} ---", FAINT)


def styled(text: str, style: str) -> str:
    """A text in a style, which is reset at the end."""
    return f"\x1b[{style}m{text}\x1b[m" if style and text else text
