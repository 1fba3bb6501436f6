"""What members are told of each other and of themselves, in answers and in the server's own objects."""

from itertools import chain, islice
from typing import Any

from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import weaknesses

SHOWN = 100
"""How many of those in a room a newcomer is told."""


def sender(member: Any) -> dict[str, Any]:
    """A member as events name it; without a key it has none."""
    key = {"key": member.key.fingerprint} if member.key else {}
    return {"name": member.name, **key, "marks": weaknesses(member.marks)}


def present(room: Room) -> chain[Any]:
    """All who are in a room."""
    return chain(room.subscribers, room.event_members)


def introduction(member: Any, room: Room, why: str = "") -> dict[str, Any]:
    """The name and role of a member in its room, and the others there; `why` says why it has not the name that it wanted."""
    others = [sender(other) for other in islice(present(room), SHOWN + 1) if other is not member][:SHOWN]
    you = sender(member)
    return {
        "room": room.name, "you": you.pop("name"), **you, "operator": member.is_operator, "topic": room.topic,
        "here": others, "count": len(room) + (member not in room.event_members), "why": why or None,
    }  # fmt: skip
