"""A message that is held: its fields, what an edit makes of it, and what the other side gets."""

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.items import Close, Empty, Extension
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.spans import Span
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import scenarios
from plytalk.lab.attacks.stepping import HeldLayer, HeldMessage, held_item, item_of, written

HEADER = HeldLayer("framer", b"M3", [Span("type", 0, 1), Span("length", 1, 1)], fixed=True)
CONTENT = HeldLayer("cipher", b"nnnwwwtt", [Span("nonce", 0, 3), Span("word", 3, 3, "www"), Span("tag", 6, 2)])
HELD = HeldMessage(Role.INITIATOR, "a frame", (HEADER, CONTENT))


def test_only_what_is_not_computed_can_be_edited() -> None:
    assert [span.name for _, span in HELD.fields] == ["nonce", "word", "tag"]


@pytest.mark.parametrize("field", ["word", "2", "wo"])
def test_a_field_is_named_by_its_name_its_beginning_or_its_number(field: str) -> None:
    edited = HELD.edit(field, "longer")
    assert edited.layers[1].data == b"nnnlongertt"
    assert [(span.name, span.start, span.size) for span in edited.layers[1].spans] == [
        ("nonce", 0, 3),
        ("word", 3, 6),
        ("tag", 9, 2),
    ]
    assert edited.edit("tag", "0x00ff01").layers[1].data == b"nnnlonger\0\xff\1"
    assert edited.layers[0] is HEADER
    assert HELD.layers[1].data == b"nnnwwwtt"


@pytest.mark.parametrize("field", ["type", "0", "4", "nosuch", ""])
def test_a_field_that_is_not_there_is_refused(field: str) -> None:
    with pytest.raises(Usage, match="field is called"):
        HELD.edit(field, "x")


def test_a_value_is_text_or_bytes() -> None:
    assert (written("noon"), written("0xff 00"), written("")) == (b"noon", b"\xff\0", b"")
    with pytest.raises(Usage, match="not hexadecimal"):
        written("0xf")


def test_an_item_becomes_one_with_other_bytes(tmp_path) -> None:
    [scenario] = [one for one in scenarios(Registry()) if one.name == "demo01"]
    stack = scenario.stack("client", tmp_path)
    for item, changed in (
        ("at noon", "midnight"),
        (Close("exit"), Close("midnight")),
        (Extension(9, b"at noon"), Extension(9, b"midnight")),
        (Empty(), Empty()),
    ):
        layer = held_item(item, stack)
        assert item_of(item, layer.data) == item
        assert item_of(item, b"midnight") == changed
