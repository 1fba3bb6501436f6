"""The end of a conversation: what counts as received, what is said where it is not, and how many lines that is."""

import asyncio

import pytest

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import NotReceived, Truncated
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import Limits
from plytalk.core.conversation.farewell import STOPPED, Farewell, not_received
from plytalk.testing.verdict import idle


class Stream:
    buffered = undelivered = 0


class Conversation:
    """What a farewell asks of a session."""

    def __init__(self, acknowledges: bool = True, lines: int = 0) -> None:
        self.stream, self.acknowledges, self.unreceived, self.unacknowledged = Stream(), acknowledges, lines, lines
        self.limits = Limits(goodbye=0.01)
        self.told, self.unheard = 0, False

    def tell_waiting(self) -> None:
        self.told += 1


CUT, STALLED = "the connection was cut", "nothing moved for 10 s"
US, THEM = Ending(EndedBy.US, "You said exit."), Ending(EndedBy.THEM, "The other side said exit.")


@pytest.mark.parametrize(
    ("lines", "why", "acknowledged", "sentence"),
    [
        (1, CUT, True, "1 line that you sent was not received: the connection was cut."),
        (1771, STALLED, True, "1,771 lines that you sent were not received: nothing moved for 10 s."),
        (2, STALLED, False, "At least 2 lines that you sent were not received: nothing moved for 10 s."),
        (0, STOPPED, True, "The other side did not receive everything: you stopped waiting."),
        (0, CUT, False, "The other side may not have received everything: the connection was cut."),
    ],
)
def test_what_was_not_received_is_said_in_a_sentence(lines: int, why: str, acknowledged: bool, sentence: str) -> None:
    assert not_received(lines, why, acknowledged) == sentence


async def test_an_acknowledged_goodbye_and_theirs_are_the_end() -> None:
    farewell = Farewell()
    farewell.acknowledged = farewell.heard = True
    assert await farewell.wait(Conversation(), US) is US  # type: ignore[arg-type]


@pytest.mark.parametrize("lines", [0, 5])
async def test_a_stream_that_ends_before_is_reported(lines: int) -> None:
    farewell = Farewell()
    farewell.stream_over = True
    ending = await farewell.wait(Conversation(lines=lines), US)  # type: ignore[arg-type]
    assert type(ending.error) is (NotReceived if lines else Truncated)
    assert (ending.by, ending.exit_code) == (EndedBy.US, 8)


async def test_without_acknowledgements_the_peer_s_close_is_the_proof() -> None:
    farewell = Farewell()
    waiting = asyncio.create_task(farewell.wait(Conversation(acknowledges=False), US))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    farewell.stream_over = True
    farewell.changed.set()
    assert await waiting is US


async def test_one_that_was_removed_is_not_waited_for_by_what_it_sends() -> None:
    farewell, removed = Farewell(), Ending(EndedBy.US, "Removed.", code=CloseReason.KICKED)
    waiting = asyncio.create_task(farewell.wait(Conversation(), removed))  # type: ignore[arg-type]
    while not waiting.done():
        farewell.arrived += 1
        farewell.changed.set()
        await asyncio.sleep(0)
    assert waiting.result() is removed


async def test_lines_that_the_one_that_left_did_not_acknowledge_are_reported_beside_its_goodbye() -> None:
    farewell = Farewell()
    farewell.heard = farewell.stream_over = True
    ending = await farewell.wait(Conversation(lines=3), THEM)  # type: ignore[arg-type]
    assert ending.reason.startswith("The other side said exit. 3 lines that you sent were not received")
    assert (ending.by, ending.exit_code) == (EndedBy.THEM, 8)


def leaving(ending: Ending, undelivered: int, lines: int) -> tuple[Farewell, Conversation, "asyncio.Task[Ending]"]:
    """A conversation without acknowledgements that waits for its end."""
    farewell, conversation = Farewell(), Conversation(acknowledges=False, lines=lines)
    conversation.limits = Limits(goodbye=60)
    conversation.stream = Stream()
    conversation.stream.undelivered = undelivered
    farewell.heard = ending is THEM
    return farewell, conversation, asyncio.create_task(farewell.wait(conversation, ending))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [US, THEM], ids=["us", "them"])
async def test_what_is_still_on_its_way_is_waited_for_when_the_peer_has_closed(ending: Ending) -> None:
    farewell, conversation, waiting = leaving(ending, undelivered=100, lines=3)
    farewell.stream_over = True
    farewell.changed.set()
    await idle()
    assert not waiting.done()
    conversation.stream.undelivered = conversation.unreceived = 0
    farewell.changed.set()
    assert await waiting is ending


@pytest.mark.parametrize(("lines", "code"), [(0, 0), (3, 8)])
async def test_a_reset_behind_the_peer_s_goodbye_is_a_loss_only_of_what_did_not_reach_it(lines: int, code: int) -> None:
    farewell, _, waiting = leaving(THEM, undelivered=100, lines=lines)
    farewell.stream_over, farewell.error = True, ConnectionResetError()
    farewell.changed.set()
    ending = await waiting
    assert ending.exit_code == code
    assert ending.reason.startswith("The other side said exit.")
    assert ("At least 3 lines that you sent were not received" in ending.reason) == bool(lines)


@pytest.mark.parametrize("lines", [0, 5])
def test_one_that_stops_waiting_is_told_so_and_not_that_the_connection_was_cut(lines: int) -> None:
    ending = Farewell().verdict(Conversation(lines=lines), US, STOPPED)  # type: ignore[arg-type]
    assert ending.reason.endswith("you stopped waiting.")
    assert ending.exit_code == 8
