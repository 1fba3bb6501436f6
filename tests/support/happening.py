"""Events of a room, as a user interface is given them. It is 12:31 where the reader is."""

from datetime import datetime
from itertools import count
from typing import Any

from plytalk.core.contracts.events import Event, MemberEvent, Sender

NOW = datetime(2026, 11, 29, 12, 31).astimezone()
_numbers = count(1)


def happened(kind: type[Event], sender: str | None = "alice", /, **fields: Any) -> Any:
    """An event: its class, the sender's name, and its fields."""
    if issubclass(kind, MemberEvent):
        fields = {"sender": Sender(name=sender, key=sender and f"SHA256:{sender}"), "room": "lobby", **fields}
    return kind(**{"id": str(next(_numbers)), "time": NOW, **fields})
