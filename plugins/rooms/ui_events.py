"""Turns the events of a room into events for a UI, at the server and at a client."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from plytalk.core.contracts.events import Event, Joined, Left, Message, Moderated, Notice, Renamed, Sender, Topic, notify
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.ui import Ui
from plytalk.core.io.event_lines import lines_of
from plytalk.plugins.rooms.room_events import Kind, RoomEvent, read, weaknesses

Types = Mapping[str, type[Event]]
LAST = 253_402_300_799_999
"""The end of the year 9999, in milliseconds: no later time can be written."""
DEEPEST = 16
"""The largest nesting depth of an answer's lists and objects; deeper ones are left out."""


def as_event(
    event: RoomEvent,
    room: str,
    own: bool = False,
    replayed: bool = False,
    raw: bool = False,
    types: Types = MappingProxyType({}),
) -> Event | None:
    """Return an event for a UI; None for a kind that this version does not know. Texts are cleaned unless `raw`.

    `types` are the events of features, by their tags.
    """
    shown: Callable[[str], str] = str if raw else clean
    room, sender = where_and_who(room, event.name, event.key, event.marks, shown)
    id, time = f"{room}/{event.id}", datetime.fromtimestamp(min(event.time, LAST) / 1000, UTC)
    member: dict[str, Any] = {"id": id, "time": time, "sender": sender, "room": room, "own": own, "replayed": replayed}
    text = event.text
    match event.kind:
        case Kind.SAID | Kind.DID:
            return Message(**member, text=shown(text), action=event.kind == Kind.DID)
        case Kind.JOINED:
            return Joined(**member)
        case Kind.LEFT:
            return Left(**member, reason=shown(text) or None)
        case Kind.RENAMED:
            return Renamed(**member, name=shown(text))
        case Kind.TOPIC:
            return Topic(**member, text=shown(text))
        case Kind.TOLD:
            told = event.details
            elsewhere = {**member, "room": None}  # the other person may be in another room
            return Message(**elsewhere, text=shown(str(told.get("text", ""))), private=True, to=shown(str(told.get("to", ""))))
        case Kind.MODERATED:
            return moderated(member, cleaned(event.details, raw))
        case Kind.OTHER:
            return of_feature(member, event.details, types, raw)
    return None


@lru_cache(1024)
def where_and_who(room: str, name: str, key: bytes, marks: int, shown: Callable[[str], str]) -> tuple[str, Sender]:
    """Return the room and the sender of an event, for display. Both are the same for all events of a member in a room."""
    fingerprint = fingerprint_of(key) if key else None
    return shown(room), Sender(name=shown(name), key=fingerprint, marks=tuple(weaknesses(marks)))


def plain_line(event: RoomEvent, me: str = "") -> str:
    """Return an event as a line, not cleaned, for a member without rooms; empty for a kind that this version does not know."""
    shown = as_event(event, "", own=event.name == me, raw=True)
    return " ".join(lines_of(shown)) if shown else ""


def shortened(line: str) -> str:
    """Cut a line to the length of a message: the longest message with a name before it is too long."""
    if len(line) * 4 <= DEFAULT_LIMITS.message:  # a character has four bytes at most
        return line
    return line.encode(errors="replace")[: DEFAULT_LIMITS.message].decode(errors="ignore")


def of_feature(member: dict[str, Any], details: dict[str, Any], types: Types, raw: bool) -> Event | None:
    """Return what a feature published: an event of its type if that is among `types`, otherwise a notice with its text."""
    type, body = types.get(str(details.get("type"))), read(str(details.get("body")))
    text: str = cleaned(str(details.get("text", "")), raw)
    if type is not None and body is not None:
        with suppress(msgspec.ValidationError):
            return msgspec.convert({"text": text, **cleaned(body, raw), **member, "type": type.__struct_config__.tag}, type)
    return Notice(id=member["id"], time=member["time"], text=text) if text else None


def moderated(member: dict[str, Any], details: dict[str, Any]) -> Moderated:
    """Return the event for what an operator did."""
    reason = details.get("reason")
    return Moderated(
        **member, action=str(details.get("action", "")), target=sender_of(details.get("target"), raw=True),
        reason=str(reason) if reason else None,
    )  # fmt: skip


def sender_of(member: Any, raw: bool = False) -> Sender:
    """Return a member from the server's description: its name alone, or an object with its name, key and marks."""
    said = member if isinstance(member, dict) else {"name": member}
    marks = said.get("marks")
    shown = [mark for mark in marks if isinstance(mark, str)] if isinstance(marks, list) else []
    name, key, shown = cleaned((said.get("name"), said.get("key"), shown), raw)
    return Sender(name=name if isinstance(name, str) else None, key=key if isinstance(key, str) else None, marks=tuple(shown))


def cleaned(data: Any, raw: bool = False, depth: int = DEEPEST) -> Any:
    """Make a server's JSON safe for any reader: texts cleaned unless `raw`, huge numbers as text, deep nesting cut off."""
    if isinstance(data, str):
        return data if raw else clean(data)
    if isinstance(data, list | tuple):
        return [cleaned(each, raw, depth - 1) for each in data] if depth else None
    if isinstance(data, dict):
        return {cleaned(name, raw): cleaned(each, raw, depth - 1) for name, each in data.items()} if depth else None
    return str(data) if isinstance(data, int) and abs(data) >= 1 << 63 else data


def types_of(features: Iterable[Feature]) -> dict[str, type[Event]]:
    """Return the event types of these features, by their tags."""
    return {str(type.__struct_config__.tag): type for feature in features for type in feature.events}


def tell(ui: Ui, sentence: str, code: str | None = None) -> None:
    """Show a sentence of the server."""
    notify(ui, sentence, code)
