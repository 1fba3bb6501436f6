"""Describes members, in answers and in the JSON objects of the server."""

from functools import lru_cache
from itertools import chain, islice
from typing import Any

from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import weaknesses, write

SHOWN = 100
"""The largest number of members that a newcomer is told of."""


def sender(member: Any) -> dict[str, Any]:
    """Describe a member as events do: name, key and marks."""
    return described(member.head, member.marks)


def described(head: bytes, marks: int) -> dict[str, Any]:
    """Describe a member from the bytes in its events (see `head_of`)."""
    size = head[0]
    key = fingerprint_of(head[1 : 1 + size]) if size else None
    return {"name": head[size + 2 :].decode(), "key": key, "marks": weaknesses(marks)}


@lru_cache(2 * SHOWN)
def _written(head: bytes, marks: int) -> bytes:
    """Return the description as JSON. It is cached, since the first members of a room are shown to every newcomer."""
    return write(**described(head, marks))


def present(room: Room) -> chain[Any]:
    """Yield all members of a room."""
    return chain(room.subscribers, room.event_members)


def introduction(member: Any, room: Room, why: str = "", **said: Any) -> bytes:
    """Return a JSON object with a member's name and role in its room, the other members, and `said`.

    `why` says why the member's name is not the one it asked for.
    """
    others = [_written(each.head, each.marks) for each in islice(present(room), SHOWN + 1) if each is not member][:SHOWN]
    you, count = sender(member), len(room) + (member not in room.event_members and member not in room.subscribers)
    said |= {"room": room.name, "you": you.pop("name"), **you, "operator": member.is_operator, "topic": room.topic}
    body = write(**said, count=count, **({"why": why} if why else {}))
    return b'%s,"here":[%s]}' % (body[:-1], b",".join(others))
