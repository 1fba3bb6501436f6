"""A user attends a conversation as in the program: in a room where the stack brings rooms, directly elsewhere."""

import pytest
from verdicts.stacks import stack_named

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.run import AttackRecord
from plytalk.trust.folders import HOME

HOST = Registry()


def honest(stack: str) -> AttackRecord:
    [control] = measure([stack_named(stack, HOST)], [])
    assert control.record
    return control.record


def test_the_default_is_attacked_in_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    rooms = HOST.layer("feature", "rooms")
    attach = rooms.attach  # type: ignore[attr-defined]
    monkeypatch.setattr(rooms, "attach", lambda self, session: (entered.append(type(session).__name__), attach(self, session)))
    record = honest("plytalk1")
    assert entered
    assert set(entered) == {"MemberChat"}
    assert all(record.faithful(role) for role in Role)
    assert not record.alarmed


def test_a_stack_without_rooms_is_attended_directly() -> None:
    record = honest("secure-chat")
    assert [len(record.participants[role].shown) for role in Role] == [6, 6]


def test_the_rooms_of_the_lab_read_no_file_of_the_user() -> None:
    honest("plytalk1")
    assert HOME.get() is None
