"""A conversation is what a connection hands its items to."""

import inspect

import pytest

from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.item_receiver import ItemReceiver

METHODS = [name for name in vars(ItemReceiver) if not name.startswith("_")]


def test_a_connection_calls_its_receiver_in_four_ways() -> None:
    assert METHODS == ["receive", "skipped", "fail", "ended"]


@pytest.mark.parametrize("name", METHODS)
def test_a_conversation_takes_what_a_connection_gives(name: str) -> None:
    wanted, taken = (list(inspect.signature(getattr(each, name)).parameters) for each in (ItemReceiver, DirectChat))
    assert taken == wanted
