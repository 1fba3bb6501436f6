"""What the quick checks accept, the thorough ones accept too, for every layer; what differs is left to these."""

from typing import get_type_hints

import pytest

from plytalk.core.contracts.contract_words import contract_of
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Option
from plytalk.core.registry import members
from plytalk.core.registry.quick_checks import accepts_arguments, has_same_signature
from plytalk.core.registry.registry import Registry
from plytalk.testing import PlainFrames


def asked(self, kind: bytes, payload: bytes) -> bytes: ...  # type: ignore[empty-body]
def same(self, kind, data): ...
def says_it(self, kind: bytes, payload: bytes) -> bytes: ...  # type: ignore[empty-body]
def with_default(self, kind, payload=b""): ...
def fewer(self, payload): ...
def other_type(self, kind: bytes, payload: bytes) -> str: ...  # type: ignore[empty-body]
async def waits(self, kind, payload): ...
def any_number(self, *parts): ...
def by_name(self, kind, payload, *, more): ...


@pytest.mark.parametrize("theirs", [same, says_it])
def test_what_is_written_as_the_contract_is_fits(theirs: object) -> None:
    assert has_same_signature(asked, theirs)


@pytest.mark.parametrize(
    "theirs", [with_default, fewer, other_type, waits, any_number, by_name, None, property(same), classmethod(same), print]
)
def test_what_is_written_otherwise_is_looked_at_closely(theirs: object) -> None:
    assert not has_same_signature(asked, theirs)


def test_what_the_quick_checks_accept_the_thorough_ones_accept_for_every_layer() -> None:
    layers = Registry().layers(KINDS)
    accepted = 0
    for layer in layers:
        for name, ours in members._members(contract_of(layer.kind)):
            theirs = members._member(layer, name)
            if theirs is not ours and has_same_signature(ours, theirs):
                accepted += 1
                assert not members._misfit(ours, theirs)
        if accepts_arguments(layer, members.CONSTRUCTED_WITH.get(layer.kind, 0)):
            accepted += 1
            assert not members._constructor_misfit(layer)
    assert accepted > len(layers)


def test_the_annotations_of_contracts_are_read_as_they_are_written() -> None:
    for contract in KINDS.values():
        assert members._hints(contract) == get_type_hints(contract)


@pytest.mark.parametrize(
    ("constructor", "count", "fits"),
    [
        (lambda self: None, 0, True),
        (lambda self, secrets, role: None, 2, True),
        (lambda self, secrets, role, loud=1: None, 2, True),
        (lambda self, secrets, role, *, loud: None, 2, True),
        (lambda self, secrets, role, *, loud=1: None, 2, True),
        (lambda self: None, 2, False),
        (lambda self, secrets, role, quiet: None, 2, False),
        (lambda self, secrets, role, *, quiet: None, 2, False),
        (lambda self, *every, **options: None, 2, False),
    ],
)
def test_how_a_layer_is_made(constructor: object, count: int, fits: bool) -> None:
    wants_loud = "loud" in constructor.__code__.co_varnames  # type: ignore[attr-defined]
    made = {"__init__": constructor, "options": (Option("loud", ""),) if wants_loud else ()}
    assert accepts_arguments(type("Made", (PlainFrames,), made), count) is fits


def test_a_class_that_makes_itself_in_another_way_is_looked_at_closely() -> None:
    assert accepts_arguments(type("Plain", (), {}), 0)
    assert not accepts_arguments(type("Plain", (), {}), 1)
    assert not accepts_arguments(type("New", (PlainFrames,), {"__new__": lambda cls: object.__new__(cls)}), 0)
    assert not accepts_arguments(type("Options", (), {"options": (Option("loud", ""),)}), 0)
