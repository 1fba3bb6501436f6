"""What happens in a conversation: events of one shape for console, JSON lines, Python programs and bots.

The shape does not depend on the number of people. If less is known, as in a plaintext chat of two, a field is None or empty; no
field changes its meaning. The JSON Schema of all of them is generated from these classes (docs/events.schema.json).

    {"type":"message","id":"lobby/41","time":"2026-11-29T10:12:11.042Z","room":"lobby",
     "sender":{"name":"erin","key":"SHA256:...","marks":[]},"text":"hello","own":false,"private":false,"replayed":false}

Every text has passed the sanitiser, unless its reader says `raw`.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from plytalk.core.contracts.sanitise import clean

NOT_AUTHENTICATED, NOT_ENCRYPTED, SSH_GUEST = "not authenticated", "not encrypted", "ssh guest"
"""The marks of a sender."""
SCHEMA_VERSION = 1
"""Counts up when a reader of the earlier version could misread an event. New types and new fields do not change it."""


class Sender(Struct, frozen=True, kw_only=True):
    """The member behind an event: `key` is a fingerprint (SHA256:...), `marks` say what is weak about its connection."""

    name: str | None = None
    key: str | None = None
    marks: tuple[str, ...] = ()


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened. `id` is unique in the conversation: `lobby/41` in a room, `local/7` here alone; `time` is UTC.

    A feature adds a type of event with a subclass: `class Vote(MemberEvent, frozen=True, kw_only=True, tag="poll.vote")`. Its
    field `text`, if it has one, is what a screen shows.
    """

    id: str
    time: Annotated[datetime, Meta(tz=True)]

    @property
    def type(self) -> str:
        """Its type, as in JSON."""
        return str(self.__struct_config__.tag)


class MemberEvent(Event, frozen=True, kw_only=True):
    """Something that a member of a room, or the other side of a chat of two, caused.

    `own` says that this user did it; `replayed` that it happened before this connection opened.
    """

    sender: Sender
    room: str | None = None
    own: bool = False
    replayed: bool = False


class Message(MemberEvent, frozen=True, kw_only=True, tag="message", gc=False):
    """A member said something or, with `action`, did something (`/me waves`). In a private one `to` is the receiver's name."""

    # gc=False: there are many of these, and none can be part of a reference cycle.

    text: str
    action: bool = False
    private: bool = False
    to: str | None = None


class Joined(MemberEvent, frozen=True, kw_only=True, tag="joined"):
    """A member came into the room."""


class Left(MemberEvent, frozen=True, kw_only=True, tag="left"):
    """A member left the room."""

    reason: str | None = None


class Renamed(MemberEvent, frozen=True, kw_only=True, tag="renamed"):
    """A member has another name from now on: `sender` has the old one."""

    name: str


class Topic(MemberEvent, frozen=True, kw_only=True, tag="topic"):
    """The room's topic was set."""

    text: str


class Moderated(MemberEvent, frozen=True, kw_only=True, tag="moderated"):
    """An operator did something to a member: `action` is kick, ban, unban, mute, unmute, op, deop, release or allow."""

    action: str
    target: Sender
    reason: str | None = None


class File(MemberEvent, frozen=True, kw_only=True, tag="file"):
    """A file is offered, or its transfer goes on or ends. Sizes are in bytes; None where the sender does not know.

    `transfer` is its number in commands. `state` is offered, accepted, sending, receiving, interrupted, done, declined,
    cancelled, withdrawn or failed, with its `reason`; `done` is how many bytes have gone out or have come. `sender` is the member
    that offers the file, or a receiver that accepted it, declined it, or has it. `incoming` says that this user is to receive it;
    `count` is the number of files in a folder, None for a file; `written` the name that it has on this disk, once it is there.
    An `own` file that is sent is offered again when nobody receives it any more.
    """

    name: str
    size: int | None = None
    transfer: str
    state: str
    done: int = 0
    reason: str | None = None
    incoming: bool = False
    count: int | None = None
    written: str | None = None


class Typing(MemberEvent, frozen=True, kw_only=True, tag="typing"):
    """A member types, or no longer does. Sent only among members who asked for it, and never stored."""

    on: bool = True


class Read(MemberEvent, frozen=True, kw_only=True, tag="read"):
    """A member has read everything up to the event `last`. Sent only among members who asked for it, and never stored."""

    last: str


class Open(Event, frozen=True, kw_only=True, tag="open"):
    """A conversation begins over a new connection, also after a cut. `version` is that of these events.

    `role` is this side's, client or server; `key` is the fingerprint that the other side showed. `stack` has the names of the
    layers by their kind, and `line` has all of them in one line.
    """

    version: int = SCHEMA_VERSION
    peer: str
    role: str
    stack: dict[str, str]
    line: str
    key: str | None = None


class You(Event, frozen=True, kw_only=True, tag="you"):
    """This user's name and room, and who else is there: on joining a room, and whenever that changes, also by a forced rename.

    `others` are those present, at most 100; `present` counts all, this user included.
    """

    sender: Sender
    room: str | None = None
    topic: str | None = None
    operator: bool = False
    present: int = 1
    others: tuple[Sender, ...] = ()


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """What the program, or the server, tells its user. `code` names it for programs, with its facts in `data`.

    `detail` says that another notice tells it in short: a screen that can keep it shows it when its user asks.
    """

    text: str
    code: str | None = None
    data: dict[str, Any] | None = None
    detail: bool = False


class Result(Event, frozen=True, kw_only=True, tag="result"):
    """The answer to a command: `data` for programs, `lines` for people, and the request's id."""

    command: str
    request: str | None = None
    data: Any = None
    lines: tuple[str, ...] = ()


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """Something could not be done: a command (with the request's id), a line of input, or anything else the user asked for."""

    text: str
    code: str = "failed"
    hint: str | None = None
    command: str | None = None
    request: str | None = None


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    """A connection is over. `by` is us, them or fault. If it is `final`, `exit_code` is the program's exit code; otherwise the
    client reconnects.
    """

    reason: str
    by: str
    exit_code: int = 0
    final: bool = True


WAY_IN = "way-in"
"""The code of a notice with the `line` that others type to join at an `address`; `was` is the address that it replaces."""
WAYS_COMMAND = "invite"
"""The command that shows these lines on a screen that keeps details."""

TYPES: tuple[type[Event], ...] = (
    Open, You, Joined, Left, Renamed, Topic, Moderated, Message, File, Typing, Read, Notice, Result, Error,
    Closed,
)  # fmt: skip


class EventSink(Protocol):
    """Something that shows events, such as a UI."""

    def next_id(self) -> str: ...

    def show(self, event: Event) -> None: ...


now = partial(datetime.now, UTC)
"""The current time, for an event that happens here."""


TYPE_NAMES = frozenset(str(type.__struct_config__.tag) for type in TYPES)
"""The names of these types, which no feature may use."""


def is_way_in(event: Event) -> bool:
    """Whether it has a line that people copy, which a screen must not break."""
    return isinstance(event, Notice) and event.code == WAY_IN


def notify(sink: EventSink, text: str, code: str | None = None, *, detail: bool = False, **data: Any) -> None:
    """Tell the user something, cleaned, since it may repeat what a peer sent."""
    sink.show(Notice(id=sink.next_id(), time=now(), text=clean(text), code=code, data=data or None, detail=detail))


def refuse(sink: EventSink, text: str, code: str, hint: str = "", **which: str | None) -> None:
    """Tell the user that something could not be done; `which` names the command and the request."""
    sink.show(Error(id=sink.next_id(), time=now(), text=clean(text), code=code, hint=clean(hint) or None, **which))
