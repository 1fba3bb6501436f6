"""What members are told of each other and of themselves, in answers and in the server's own objects."""

from functools import lru_cache
from itertools import chain, islice
from typing import Any

from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import weaknesses, write

SHOWN = 100
"""How many of those in a room a newcomer is told."""


def sender(member: Any) -> dict[str, Any]:
    """A member as events name it."""
    return described(member.head, member.marks)


def described(head: bytes, marks: int) -> dict[str, Any]:
    """The same, from what its events contain (see `head_of`)."""
    size = head[0]
    key = fingerprint_of(head[1 : 1 + size]) if size else None
    return {"name": head[size + 2 :].decode(), "key": key, "marks": weaknesses(marks)}


@lru_cache(2 * SHOWN)
def _written(head: bytes, marks: int) -> bytes:
    """The same in JSON: those at the front of a room are shown to every newcomer."""
    return write(**described(head, marks))


def present(room: Room) -> chain[Any]:
    """All who are in a room."""
    return chain(room.subscribers, room.event_members)


def introduction(member: Any, room: Room, why: str = "", **said: Any) -> bytes:
    """The name and role of a member in its room, and the others there, in the server's own object; `said` is what else is in it.

    `why` says why the member has not the name that it wanted.
    """
    others = [_written(each.head, each.marks) for each in islice(present(room), SHOWN + 1) if each is not member][:SHOWN]
    you, count = sender(member), len(room) + (member not in room.event_members and member not in room.subscribers)
    said |= {"room": room.name, "you": you.pop("name"), **you, "operator": member.is_operator, "topic": room.topic}
    body = write(**said, count=count, **({"why": why} if why else {}))
    return b'%s,"here":[%s]}' % (body[:-1], b",".join(others))
