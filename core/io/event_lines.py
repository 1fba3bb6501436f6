"""Events as lines of plain text: for pipes, for logs, and for members that know no events.

Only what the server reports has names in brackets, which no name contains: `/me has left.` looks different.
"""

from plytalk.core.contracts.events import (
    Closed,
    Error,
    Event,
    File,
    Joined,
    Left,
    Message,
    Moderated,
    Notice,
    Open,
    Renamed,
    Result,
    Sender,
    Topic,
    You,
)
from plytalk.core.io.sizes import size_in_words

DONE = {
    "kick": "removed {}", "ban": "banned {}", "unban": "lifted the ban of {}", "mute": "muted {}", "unmute": "unmuted {}",
    "op": "made {} an operator", "deop": "took the operator role from {}", "release": "released the name {}",
    "allow": "put {} on the allow list",
}  # fmt: skip
"""What an operator has done, by the name of the command."""

INCOMING = {
    "offered": "{who} offers {name} ({size})",
    "interrupted": "The file {name} is interrupted at {part}. What has come is kept: the rest follows when it is offered again",
    "done": "The file {name} ({size}) from {who} has arrived{new_name}",
    "withdrawn": "{who} does not offer {name} any more{so_far}",
    "cancelled": "You have cancelled {name}",
    "declined": "You have declined {name}",
    "failed": "The file {name} has not arrived{because}",
}
"""What is told of a file that this user can receive, by its state."""
OWN = {
    "offered": "You offer {name} ({size})",
    "interrupted": "Sending {name} is interrupted at {part}. What has come is kept: the rest follows when it is offered again",
    "cancelled": "You do not offer {name} any more",
    "failed": "The file {name} cannot be sent any more{because}",
}
"""The same of a file that this user offers."""
AFTER_ALL = "/accept {number} receives it after all, while it is offered"
COMMANDS = {
    (True, "offered"): "/accept {number} receives it",
    (True, "cancelled"): AFTER_ALL,
    (True, "declined"): AFTER_ALL,
    (False, "offered"): "/cancel {number} takes that back",
}
"""What follows where commands are typed, for one who receives and for one who offers."""
REPLIES = {
    "accepted": "{who} accepts {name}",
    "declined": "{who} declines {name}",
    "cancelled": "{who} does not want {name} any more",
    "done": "{who} has received {name}",
    "failed": "{who} could not receive {name}",
}
"""The same of what a receiver has done about it."""


def lines_of(event: Event, commands: bool = True) -> list[str]:
    """An event as lines without their ends: none for one that says nothing new to a reader of lines.

    `commands` says whether to add the command that a user could type next.
    """
    match event:
        case Message():
            return [_message(event)]
        case Joined():
            return [f"* {_reported(event.sender)} is here."]
        case Left():
            return [f"* {_reported(event.sender)} has left{_because(event.reason)}."]
        case Renamed():
            return [f"* {_reported(event.sender)} is now [{event.name}]."]
        case Topic():
            return [f"* {_reported(event.sender)} set the topic: {event.text}"]
        case Moderated():
            return _moderated(event)
        case File():
            return _file(event, commands)
        case Open():
            return [f"Talking to {event.peer} over {event.line}."]
        case You():
            return _you(event)
        case Notice() | Error():
            return [event.text if isinstance(event, Notice) or not event.hint else f"{event.text} {event.hint}"]
        case Result():
            return list(event.lines)
        case Closed():
            return [event.reason]
    text = getattr(event, "text", None)  # of a feature's type
    return [text] if isinstance(text, str) and text else []


def marked(sender: Sender) -> str:
    """A name, with what everybody should see beside it."""
    return f"{sender.name or ''}{_marks(sender)}"


def _message(event: Message) -> str:
    sender = event.sender
    if sender.name is None:
        return event.text
    if event.action:
        return f"* {marked(sender)} {event.text}"
    if event.private:
        return f"you, to {event.to} alone: {event.text}" if event.own else f"{marked(sender)}, to you alone: {event.text}"
    return f"{marked(sender)}: {event.text}"


def _moderated(event: Moderated) -> list[str]:
    if (done := DONE.get(event.action)) is None:
        return []
    target = f"[{event.target.name}]" if event.target.name else event.target.key or ""
    return [f"* {_reported(event.sender)} {done.format(target)}{_because(event.reason)}."]


def _file(event: File, commands: bool) -> list[str]:
    """What has happened to a file; nothing of its progress."""
    sentences = INCOMING if event.incoming else OWN if event.own else REPLIES
    sentence = sentences.get(event.state, "")
    if event.own and not event.incoming and event.state == "offered" and event.done:
        return []  # it still is, when a receiver has got it or wants no more
    files = f"{event.count:,} file{'s' * (event.count != 1)}, " if event.count is not None else ""
    name = f"{event.name}{'/' * (event.count is not None)}"
    part = f"{100 * event.done // event.size} %" if event.size else size_in_words(event.done)
    told = sentence.format(
        who=_reported(event.sender), name=name, part=part, because=_because(event.reason),
        size=f"{files}{_size(event)}",
        new_name=f" as {event.written}" if event.written not in (None, event.name) else "",
        so_far=f": {part} has come, and is kept" if event.done and event.size else "",
    )  # fmt: skip
    command = COMMANDS.get((event.incoming, event.state)) if commands and (event.incoming or event.own) else None
    after = f" {command.format(number=event.transfer)}." if command else ""
    return [f"* {told}.{after}"] if told else []


def _size(event: File) -> str:
    if event.size is None:
        return size_in_words(event.done) if event.state == "done" else "unknown size, cannot be resumed"
    return size_in_words(event.size)


def _marks(sender: Sender) -> str:
    return f" [{', '.join(sender.marks)}]" if sender.marks else ""


def _reported(sender: Sender) -> str:
    return f"[{sender.name or sender.key or ''}]{_marks(sender)}"


def _because(reason: str | None) -> str:
    return f": {reason.removesuffix('.')}" if reason else ""  # a sentence or part of one: the line has its own full stop


def _you(event: You) -> list[str]:
    if event.room is None:
        return []
    names = [one.name for one in event.others if one.name]
    more = event.present - 1 - len(names)
    company = ", ".join([*names, *([f"{more} more"] if more > 0 else [])]) or "nobody else"
    lines = [f"You are {event.sender.name} in {event.room}, with {company}. /help lists what you can do."]
    return [*lines, f"The topic is: {event.topic}"] if event.topic else lines
