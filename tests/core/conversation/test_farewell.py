"""The end of a conversation: which goodbyes were said, what counts as received, and what is said where something does not."""

import asyncio
import re
from itertools import product

import pytest
from alone import Alone, Items, frame

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import NotReceived, Tampered, Truncated
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import Limits
from plytalk.core.conversation import farewell as source
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.farewell import STOPPED, Farewell, Goodbyes, not_received
from plytalk.testing.verdict import idle


class Stream:
    buffered = undelivered = 0


class Conversation:
    """What a farewell asks of a session."""

    def __init__(self, acknowledges: bool = True, lines: int = 0) -> None:
        self.stream, self.acknowledges, self.unreceived, self.unacknowledged = Stream(), acknowledges, lines, lines
        self.limits = Limits(goodbye=0.01)
        self.told, self.arrived, self.unheard = 0, 0, False

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
    farewell.say()
    farewell.acknowledge()
    farewell.hear(THEM)
    assert await farewell.wait(Conversation(), US) is US  # type: ignore[arg-type]


@pytest.mark.parametrize("lines", [0, 5])
async def test_a_stream_that_ends_before_is_reported(lines: int) -> None:
    farewell = Farewell()
    farewell.end_stream(None)
    ending = await farewell.wait(Conversation(lines=lines), US)  # type: ignore[arg-type]
    assert type(ending.error) is (NotReceived if lines else Truncated)
    assert (ending.by, ending.exit_code) == (EndedBy.US, 8)


async def test_without_acknowledgements_the_peer_s_close_is_the_proof() -> None:
    farewell = Farewell()
    waiting = asyncio.create_task(farewell.wait(Conversation(acknowledges=False), US))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    farewell.end_stream(None)
    assert await waiting is US


async def test_one_that_was_removed_is_not_waited_for_by_what_it_sends() -> None:
    farewell, conversation, removed = Farewell(), Conversation(), Ending(EndedBy.US, "Removed.", code=CloseReason.KICKED)
    waiting = asyncio.create_task(farewell.wait(conversation, removed))  # type: ignore[arg-type]
    while not waiting.done():
        conversation.arrived += 1
        farewell.changed.set()
        await asyncio.sleep(0)
    assert waiting.result() is removed


async def test_lines_that_the_one_that_left_did_not_acknowledge_are_reported_beside_its_goodbye() -> None:
    farewell = Farewell()
    farewell.hear(THEM)
    farewell.end_stream(None)
    ending = await farewell.wait(Conversation(lines=3), THEM)  # type: ignore[arg-type]
    assert ending.reason.startswith("The other side said exit. 3 lines that you sent were not received")
    assert (ending.by, ending.exit_code) == (EndedBy.THEM, 8)


def leaving(ending: Ending, undelivered: int, lines: int) -> tuple[Farewell, Conversation, "asyncio.Task[Ending]"]:
    """A conversation without acknowledgements that waits for its end."""
    farewell, conversation = Farewell(), Conversation(acknowledges=False, lines=lines)
    conversation.limits = Limits(goodbye=60)
    conversation.stream = Stream()
    conversation.stream.undelivered = undelivered
    if ending is THEM:
        farewell.hear(THEM)
    return farewell, conversation, asyncio.create_task(farewell.wait(conversation, ending))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [US, THEM], ids=["us", "them"])
async def test_what_is_still_on_its_way_is_waited_for_when_the_peer_has_closed(ending: Ending) -> None:
    farewell, conversation, waiting = leaving(ending, undelivered=100, lines=3)
    farewell.end_stream(None)
    await idle()
    assert not waiting.done()
    conversation.stream.undelivered = conversation.unreceived = 0
    farewell.changed.set()
    assert await waiting is ending


@pytest.mark.parametrize(("lines", "code"), [(0, 0), (3, 8)])
async def test_a_reset_behind_the_peer_s_goodbye_is_a_loss_only_of_what_did_not_reach_it(lines: int, code: int) -> None:
    farewell, _, waiting = leaving(THEM, undelivered=100, lines=lines)
    farewell.end_stream(ConnectionResetError())
    ending = await waiting
    assert ending.exit_code == code
    assert ending.reason.startswith("The other side said exit.")
    assert ("At least 3 lines that you sent were not received" in ending.reason) == bool(lines)


@pytest.mark.parametrize("lines", [0, 5])
def test_one_that_stops_waiting_is_told_so_and_not_that_the_connection_was_cut(lines: int) -> None:
    ending = Farewell().verdict(Conversation(lines=lines), US, STOPPED)  # type: ignore[arg-type]
    assert ending.reason.endswith("you stopped waiting.")
    assert ending.exit_code == 8


# -- the states -----------------------------------------------------------------------------------------------------------

STEPS = {
    "say": Farewell.say,
    "hear": lambda farewell: farewell.hear(THEM),
    "acknowledge": Farewell.acknowledge,
    "close": Farewell.close,
}


def drawn() -> set[tuple[str, str]]:
    """The transitions that the source draws."""
    rows = (re.fullmatch(r" *([A-Z, ]+?) -+ .* -+> ([A-Z]+)", line) for line in (source.__doc__ or "").splitlines())
    return {(before, row[2]) for row in rows if row for before in row[1].split(", ")}


def test_no_step_leads_where_no_transition_is_drawn_and_each_that_is_drawn_happens() -> None:
    happened = set()
    for steps in product(STEPS, repeat=4):
        farewell = Farewell()
        for step in steps:
            before = farewell.goodbyes
            STEPS[step](farewell)
            if farewell.goodbyes is not before:
                happened.add((before.name, farewell.goodbyes.name))
    assert happened == drawn()


class AnswersLater(DirectChat):
    """Answers a goodbye when it is told to."""

    def hear_goodbye(self) -> None:
        pass


DEEDS = {
    "we say": lambda alone: alone.session.exit(),
    "we answer": lambda alone: alone.session.part(),
    "they say": lambda alone: alone.peer.send(frame(b"exit")),
    "they acknowledge": lambda alone: alone.peer.send(frame(b"=1")),
    "a fault": lambda alone: alone.session.fail(Tampered("no")),
}


@pytest.mark.parametrize(
    "way",
    [
        {"we say": "OURS", "they acknowledge": "RECEIVED", "they say": "DONE"},
        {"we say": "OURS", "they say": "BOTH", "they acknowledge": "DONE"},
        {"they say": "THEIRS", "we answer": "BOTH", "they acknowledge": "DONE"},
        {"they say": "THEIRS", "a fault": "OVER"},
        {"we say": "OURS", "a fault": "OVER"},
    ],
    ids="; ".join,
)
async def test_a_conversation_goes_through_the_states_that_are_drawn(way: dict[str, str]) -> None:
    alone = await Alone(Items, make_chat=AnswersLater).open()
    for deed, state in way.items():
        DEEDS[deed](alone)
        await idle()
        assert alone.session._farewell.goodbyes.name == state
    await alone.over()
    assert alone.session._farewell.goodbyes is Goodbyes.OVER


async def test_a_fault_after_our_goodbye_is_told_also_where_the_stream_ends_at_the_same_moment() -> None:
    alone = await Alone().open()
    alone.session.exit()
    alone.session.fail(Tampered("no"))
    alone.session.connection._ended(None)
    ending = await alone.over()
    assert (ending.by, ending.reason) == (EndedBy.FAULT, "no")
