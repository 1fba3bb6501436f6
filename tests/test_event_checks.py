"""The check that every test's events pass finds what is wrong with one."""

import json

import pytest
from event_checks import EventFaults, fault_of

from plytalk.core.contracts.events import Message, Sender, now
from plytalk.plugins.uis.jsonl import as_line
from plytalk.testing import RecordingUi

GOOD = json.loads(as_line(Message(id="lobby/7", time=now(), sender=Sender(name="bob"), room="lobby", text="hello")))


def test_a_good_event_has_no_fault() -> None:
    assert fault_of(GOOD) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"type": "said"}, {"text": 7}, {"text": None}, {"more": 1}, {"sender": "bob"}, {"id": "lobby"},
        {"time": "2026-11-29T10:12:11"}, {"time": "2026-11-29T10:12:11+01:00"}, {"own": "yes"},
    ],
)  # fmt: skip
def test_any_other_shape_is_a_fault(change: dict[str, object]) -> None:
    assert fault_of({**GOOD, **change})


def test_a_missing_field_is_a_fault() -> None:
    assert fault_of({name: value for name, value in GOOD.items() if name != "replayed"})
    assert fault_of([])


def test_faults_are_told_once() -> None:
    faults = EventFaults()
    faults.look_at({})
    assert len(faults.take()) == 1
    assert faults.take() == []


def test_what_a_recording_ui_is_shown_is_looked_at() -> None:
    assert RecordingUi.show.__name__ == "checked"
