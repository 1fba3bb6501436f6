"""Signals between members: typing indicators and read receipts. They are not logged.

A member gets signals of a kind only if it asked for them when it joined; only then are its own signals of this kind passed on.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from plytalk.plugins.rooms.introduction import present, sender
from plytalk.plugins.rooms.room import CROWD, Room
from plytalk.plugins.rooms.room_events import READ, TYPING, write

KINDS = frozenset((TYPING, READ))
NO_SIGNALS: frozenset[str] = frozenset()  # shared: a server has thousands of members


class Signaller(Protocol):
    """What signals need from a member. `signals` are the kinds that it asked for."""

    room: Room | None
    muted: bool
    signals: frozenset[str]
    head: bytes

    @property
    def marks(self) -> int: ...

    def charge(self, size: int) -> None: ...

    def hear_signal(self, body: bytes) -> None: ...


def kinds_of(asked: Any) -> frozenset[str]:
    """Return the kinds that a request to join asks for."""
    return frozenset(kind for kind in KINDS if kind in asked) if isinstance(asked, list) else NO_SIGNALS


def pass_on(member: Signaller, request: Mapping[str, Any]) -> None:
    """Pass a member's signal to all others in its room that asked for this kind.

    Signals of a muted member are dropped, and all signals in a room so large that joins and leaves are not announced.
    """
    room, kind = member.room, request.get("do")
    if room is None or member.muted or kind not in member.signals or len(room) >= CROWD:
        return
    said = _said(request, room)
    if said is None:
        return
    body = write(do=kind, **sender(member), **said)
    others = [other for other in present(room) if other is not member and kind in other.signals]
    if others:
        member.charge(len(body))
    for other in others:
        other.hear_signal(body)


def _said(request: Mapping[str, Any], room: Room) -> dict[str, Any] | None:
    """Return the content of a signal besides its kind; None if it is not valid in this room."""
    match request:
        case {"do": "typing", "on": bool(on)}:
            return {"on": on}
        case {"do": "read", "last": int(last)} if not isinstance(last, bool) and 0 < last < room.log.next:
            return {"last": last}
    return None
