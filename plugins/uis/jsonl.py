"""One JSON object per line, for programs.

out  every event, as docs/reference/events.md describes it: open, you, joined, left, renamed, topic, moderated, message, file,
     typing, read, notice, result, error, closed; and nothing else
in   {"type": "message", "text": "...", "to": "bob"}                            without `to`, to everybody
     {"type": "command", "command": "who", "args": [...], "request": "1"}       answered by a result or an error with that id
     {"type": "typing", "on": true}, {"type": "read", "id": "lobby/41"}         with --typing, with --receipts
     {"type": "exit"}

A line that is none of these is answered by an error, with the request's id where it has one. A message that begins with a slash
is a message all the same.
"""

import asyncio
import json

import msgspec
from msgspec import Struct

from plytalk.core.contracts.events import Event, You, notify, refuse
from plytalk.core.contracts.items import is_exit
from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.lines import LineReader, LineWriter
from plytalk.core.registry.hookspecs import hookimpl

MAX_LINE = 6 * DEFAULT_LIMITS.message + 4 * KIB
"""How long a line of input may be, in bytes: the longest message, with each byte escaped."""
HINT = 'Write {"type":"message","text":"..."}, {"type":"command","command":"who","args":[],"request":"1"} or {"type":"exit"}.'
EXITS = "The text `exit` would end the conversation, and was not sent."


class SayOrder(Struct, tag_field="type", tag="message", forbid_unknown_fields=True):
    """Say something: to everybody, or to one member alone."""

    text: str
    to: str | None = None


class CommandOrder(Struct, tag_field="type", tag="command", forbid_unknown_fields=True):
    """Give a command. The answer has the same `request`."""

    command: str
    args: tuple[str, ...] = ()
    request: str | None = None


class ExitOrder(Struct, tag_field="type", tag="exit", forbid_unknown_fields=True):
    """Say goodbye and end."""


class TypingOrder(Struct, tag_field="type", tag="typing", forbid_unknown_fields=True):
    """Show that this user types, or no longer does."""

    on: bool = True


class ReadOrder(Struct, tag_field="type", tag="read", forbid_unknown_fields=True):
    """Show that this user has read everything up to the event of this id."""

    id: str


Order = SayOrder | CommandOrder | ExitOrder | TypingOrder | ReadOrder
_decode = msgspec.json.Decoder(Order).decode
_encode = msgspec.json.Encoder().encode


class Jsonl(Ui):
    """One JSON object per line on standard input and output, for programs."""

    name = "jsonl"
    raw = True  # what is written is ASCII, with every control character escaped

    def __init__(self) -> None:
        self._lines = LineReader(0, lambda sentence: notify(self, sentence, "not-utf-8"), MAX_LINE)
        self._out = LineWriter(self._output_failed)
        self._conversation: Conversation | None = None
        self._gone = False
        self._room: str | None = None
        self._known = asyncio.Event()
        """Set when it is known whether there is a room."""

    async def run(self, conversation: Conversation) -> None:
        self._conversation = conversation
        if self._gone:
            conversation.exit()
        while not conversation.ending:
            lines = await self._lines.read()
            if lines is None:
                if self.stays:
                    await asyncio.get_running_loop().create_future()
                conversation.exit()
                return
            for index, line in enumerate(lines):
                if conversation.ending:
                    self._lines.put_back(lines[index:])
                    return
                order = self._understood(conversation, line)
                if isinstance(order, SayOrder) and (order.text.startswith("/") or not order.text.strip() or is_exit(order.text)):
                    await self._known.wait()
                self._obey(conversation, order)
            await conversation.drain()

    def _understood(self, conversation: Conversation, line: str) -> Order | None:
        """What a line orders; None, and an error, where that makes no sense."""
        try:
            if 4 * len(line) > MAX_LINE and len(line.encode(errors="replace")) > MAX_LINE:
                raise ValueError(f"it is longer than a line may be ({MAX_LINE:,} bytes)")
            return _decode(line)
        except (ValueError, RecursionError) as error:  # among them all that msgspec raises
            conversation.failed = True
            refuse(self, f"A line of input was not understood: {error}.", "bad-input", HINT, request=request_in(line))
            return None

    def _obey(self, conversation: Conversation, order: Order | None) -> None:
        match order:
            case SayOrder(text=text) if self._room and not text.strip():
                refuse(self, "A message without a text was not sent.", "empty")
            case SayOrder(to=None, text=text) if self._room and is_exit(text):
                refuse(self, EXITS, "exit", HINT)
            case SayOrder(to=None, text=text):
                conversation.say(f"/{text}" if self._room and text.startswith("/") else text)
            case SayOrder(to=str(to), text=text):
                conversation.command("msg", (to, text))
            case CommandOrder():
                conversation.command(order.command, order.args, order.request)
            case ExitOrder():
                conversation.exit()
            case TypingOrder(on=on):
                self._signalled("typing", conversation.tell_typing(on))
            case ReadOrder(id=id):
                self._signalled("receipts", conversation.tell_read(id))

    def _signalled(self, option: str, wanted: bool) -> None:
        if not wanted:
            refuse(self, "Nothing was shown to the others.", "not-chosen", f"Start with --{option}, in a room.")

    def show(self, event: Event) -> None:
        if isinstance(event, You):
            self._room = event.room
            self._known.set()
        self._out.write(as_line(event))
        if event.type == "closed":
            self._out.finish()

    def _output_failed(self) -> None:
        self._gone = True
        if self._conversation:
            self._conversation.exit()


def request_in(line: str) -> str | None:
    """The id of the request in a line that cannot be obeyed, where there is one: its error has it."""
    try:
        request = msgspec.json.decode(line).get("request")
    except (ValueError, RecursionError, AttributeError):
        return None
    return str(request) if isinstance(request, str | int) and not isinstance(request, bool) else None


def as_line(event: Event) -> str:
    """An event as one line of ASCII, with every control character escaped."""
    try:
        line = _encode(event).decode()
    except UnicodeEncodeError:  # half a surrogate pair
        line = "\x7f"
    if line.isascii() and "\x7f" not in line:
        return line
    return json.dumps(msgspec.to_builtins(event)).replace("\x7f", "\\u007f")


@hookimpl
def layers() -> list[type[Jsonl]]:
    return [Jsonl]
