"""Signals between members: that they type, and how far they have read. They are in no log.

A member hears signals of a kind only if it asked for them when it joined, and those that it sends are passed on only then.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from plytalk.plugins.rooms.introduction import present, sender
from plytalk.plugins.rooms.room import CROWD, Room
from plytalk.plugins.rooms.room_events import READ, TYPING, write

KINDS = frozenset((TYPING, READ))
NO_SIGNALS: frozenset[str] = frozenset()  # one for all, as a server has thousands of members


class Signaller(Protocol):
    """A member as far as signals go. `signals` are the kinds that it asked for."""

    room: Room | None
    muted: bool
    signals: frozenset[str]
    head: bytes

    @property
    def marks(self) -> int: ...

    def charge(self, size: int) -> None: ...

    def hear_signal(self, body: bytes) -> None: ...


def kinds_of(asked: Any) -> frozenset[str]:
    """The kinds that a request to join asks for."""
    return frozenset(kind for kind in KINDS if kind in asked) if isinstance(asked, list) else NO_SIGNALS


def pass_on(member: Signaller, request: Mapping[str, Any]) -> None:
    """Tell what a member signals to all others in its room that asked for this kind.

    Nobody is told what a muted member does, nor anything in a room so full that nobody is told who comes and goes.
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
    """What a signal says beside its kind; None where that makes no sense in this room."""
    match request:
        case {"do": "typing", "on": bool(on)}:
            return {"on": on}
        case {"do": "read", "last": int(last)} if not isinstance(last, bool) and 0 < last < room.log.next:
            return {"last": last}
    return None
