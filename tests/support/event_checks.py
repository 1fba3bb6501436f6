"""Holds every event that a test sees, in this process or as a line of a program, to the classes that the schema is made of."""

import json
from typing import Any

import msgspec

from plytalk.core.contracts.events import TYPES, Event
from plytalk.plugins.uis.jsonl import as_line
from plytalk.testing import RecordingUi

KNOWN = {str(one.__struct_config__.tag): one for one in TYPES}


class EventFaults:
    """What was wrong with events since it was last asked."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def take(self) -> list[str]:
        faults, self._faults = self._faults, []
        return faults

    def watch(self) -> None:
        """Look at all that a `RecordingUi` is shown, in any test."""
        show = RecordingUi.show

        def checked(ui: RecordingUi, event: Event) -> None:
            self.look_at(json.loads(as_line(event)), type(event))
            show(ui, event)

        RecordingUi.show = checked  # type: ignore[method-assign]

    def look_at(self, event: Any, kind: type[Event] | None = None) -> None:
        """Note what is wrong with an event as JSON has it; `kind` is its class, if it is a feature's."""
        if fault := fault_of(event, kind):
            self._faults.append(fault)


def fault_of(event: Any, kind: type[Event] | None = None) -> str:
    """What is wrong with it; empty for nothing."""
    kind = kind or KNOWN.get(event.get("type", "") if isinstance(event, dict) else "")
    if kind is None:
        return f"{event!r:.200} is of no known type"
    try:
        made = msgspec.convert(event, kind)
    except msgspec.ValidationError as error:
        return f"{event!r:.200}: {error}"
    if set(event) != {"type", *kind.__struct_fields__}:
        return f"{event!r:.200} has other fields than {', '.join(kind.__struct_fields__)}"
    if not event["time"].endswith("Z") or not event["id"].rpartition("/")[2].isdigit():
        return f"{event!r:.200} has the time {made.time} and the id {made.id}"
    return ""


FAULTS = EventFaults()
