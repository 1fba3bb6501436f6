"""Events in a pipe: what the user typed is not repeated."""

import pytest
from happening import happened

from plytalk.core.contracts.events import Closed, Joined, Left, Message, Open, Renamed
from plytalk.plugins.chat_screen.plain_lines import plain_lines


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (happened(Message, text="hello"), ["alice: hello"]),
        (happened(Message, text="hello", own=True), []),
        (happened(Message, text="psst", own=True, private=True, to="bob"), ["you, to bob alone: psst"]),
        (happened(Message, None, text="hello"), ["[Peer]: hello"]),
        (happened(Message, None, text="hello", own=True), []),
        (happened(Joined), ["* [alice] is here."]),
        (happened(Joined, own=True), []),
        (happened(Left, own=True), []),
        (happened(Renamed, name="carol", own=True), ["* [alice] is now [carol]."]),
        (
            happened(Open, peer="host:1", role="client", stack={}, line="tcp | raw"),
            ["Talking to host:1 over tcp | raw. Type exit to end."],
        ),
        (happened(Closed, reason="You said exit.", by="us"), ["You said exit."]),
        (happened(Closed, reason="It broke.", by="fault", exit_code=8), []),
    ],
)
def test_lines(event, lines) -> None:
    assert plain_lines(event, "[Peer]: ") == lines
