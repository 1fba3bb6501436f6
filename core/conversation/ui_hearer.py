"""Makes the events of a chat of two and shows them on the UI. In a room the events come from the server."""

from datetime import datetime

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.events import (
    NOT_AUTHENTICATED,
    NOT_ENCRYPTED,
    Closed,
    Message,
    Notice,
    Open,
    Sender,
    You,
    now,
    refuse,
)
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.ui import Conversation, Ui

OURSELVES = Sender()
NO_COMMANDS = "Commands work only in a room, and this is a chat of two."
MAX_SAME, MAX_NOTICES = 3, 100
"""How often one notice is shown in a conversation, and how many different ones."""


class UiHearer:
    """Shows on a UI what the other side says, and what the user does. `time` is the time of the current read."""

    __slots__ = ("_show", "_ui", "raw", "sender", "shows_own", "time")

    def __init__(self, ui: Ui) -> None:
        self.raw, self.shows_own = ui.raw, ui.shows_own
        self._ui, self._show = ui, ui.show
        self.sender = Sender()
        self.time: datetime | None = None

    def message(self, text: str) -> None:
        if (time := self.time) is None:
            time = self.time = now()
        ui = self._ui
        ui.shown = number = ui.shown + 1  # `Ui.next_id`, without a call for each message
        self._show(Message(id=f"local/{number}", time=time, sender=self.sender, text=text))

    def said(self, text: str) -> None:
        """Show what the user said."""
        if self.shows_own:
            ui = self._ui
            ui.shown = number = ui.shown + 1
            self._show(Message(id=f"local/{number}", time=now(), sender=OURSELVES, text=text, own=True))

    def notice(self, sentence: str) -> None:
        self._show(Notice(id=self._ui.next_id(), time=now(), text=sentence))


def sender_of(conversation: Conversation) -> Sender:
    """Return the other side of a chat of two: its key, and what is weak about the connection."""
    key, marks = key_shown_by(conversation), []
    if key is None:
        marks.append(NOT_AUTHENTICATED)
    if Property.SECRECY not in conversation.stack.gives:
        marks.append(NOT_ENCRYPTED)
    return Sender(key=key, marks=tuple(marks))


def key_shown_by(conversation: Conversation) -> str | None:
    """Return the fingerprint of the key that the other side showed."""
    return conversation.identity.fingerprint if conversation.identity else None


def once_more(sentence: str, noticed: dict[str, int]) -> str:
    """Return the part of a notice to show: nothing if it, or others, were shown too often. `noticed` counts those that were
    shown.
    """
    seen = noticed.get(sentence, 0) + 1
    if seen > MAX_SAME or (seen == 1 and len(noticed) >= MAX_NOTICES):
        return ""
    noticed[sentence] = seen
    return sentence + (" (Further ones like this are not shown.)" if seen == MAX_SAME else "")


def refuse_command(ui: Ui, command: str, request: str | None) -> None:
    """Answer a command in a chat of two with an error."""
    refuse(ui, NO_COMMANDS, "no-commands", command=command, request=request)


def show_open(ui: Ui, conversation: Conversation) -> None:
    """Show that a connection is open."""
    stack = conversation.stack
    ui.show(
        Open(
            id=ui.next_id(), time=now(), peer=conversation.address, role=conversation.role.value, stack=dict(stack.names),
            line=stack.short_line, key=key_shown_by(conversation),
        )
    )  # fmt: skip


def show_two(ui: Ui, conversation: Conversation) -> None:
    """Show the two people of a chat without rooms: a You event."""
    ui.show(You(id=ui.next_id(), time=now(), sender=OURSELVES, present=2, others=(sender_of(conversation),)))


def show_closed(ui: Ui, ending: Ending, final: bool = True) -> None:
    """Show that a connection is over. The hint is shown only if it is `final`; otherwise the program already reconnects."""
    code = int(ending.exit_code)
    reason = ending.reason if final or not ending.error else str(ending.error)
    ui.show(Closed(id=ui.next_id(), time=now(), reason=reason, by=ending.by.value, exit_code=code, final=final))
