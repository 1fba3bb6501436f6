"""A chat of two as events: what reaches the UI, with whose name, and how often."""

from datetime import UTC, datetime

import pytest

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import Truncated
from plytalk.core.contracts.events import NOT_AUTHENTICATED, NOT_ENCRYPTED, Closed, Error, Message, Notice, Open, Sender, You
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.properties import Property
from plytalk.core.conversation.ui_hearer import (
    MAX_NOTICES,
    MAX_SAME,
    NO_COMMANDS,
    OURSELVES,
    UiHearer,
    key_shown_by,
    once_more,
    refuse_command,
    sender_of,
    show_closed,
    show_open,
    show_two,
)
from plytalk.testing import RecordingUi, two_ends
from plytalk.testing.parts import Unsealed

THEM = Sender(key="SHA256:abc", marks=(NOT_ENCRYPTED,))
SHOWN = Identity("test", b"key")


class Quiet(RecordingUi):
    """Escapes by itself, and shows nothing that its user says."""

    name = "quiet"
    raw = True
    shows_own = False


class Claims(Unsealed):
    """Claims to be secret."""

    name = "claims"
    gives = {Property.SECRECY}


# -- what is heard, said and told -----------------------------------------------------------------------------------------


def test_what_the_other_side_says_has_its_sender_and_what_we_say_has_none() -> None:
    ui = RecordingUi()
    hearer = UiHearer(ui)
    hearer.sender = THEM
    before = datetime.now(UTC)
    hearer.message("hello")
    hearer.said("hello back")
    hearer.notice("Ignored a frame.")
    heard, said, told = ui.events
    assert isinstance(heard, Message)
    assert isinstance(said, Message)
    assert isinstance(told, Notice)
    assert (heard.sender, heard.text, heard.own) == (THEM, "hello", False)
    assert (said.sender, said.text, said.own) == (OURSELVES, "hello back", True)
    assert told.text == "Ignored a frame."
    assert [event.id for event in ui.events] == ["local/1", "local/2", "local/3"]
    assert before <= heard.time <= said.time <= told.time <= datetime.now(UTC)


def test_what_is_heard_in_one_read_has_one_time_and_the_next_read_another() -> None:
    ui = RecordingUi()
    hearer = UiHearer(ui)
    hearer.message("one")
    hearer.message("two")
    hearer.time = None
    hearer.message("three")
    one, two, three = (event.time for event in ui.events)
    assert one is two
    assert three is not two


@pytest.mark.parametrize(("ui", "raw", "shows_own"), [(RecordingUi, False, True), (Quiet, True, False)])
def test_it_is_as_its_ui_is(ui: type[RecordingUi], raw: bool, shows_own: bool) -> None:
    hearer = UiHearer(ui())
    assert (hearer.raw, hearer.shows_own) == (raw, shows_own)


# -- the other side -------------------------------------------------------------------------------------------------------


async def test_the_other_side_is_its_key_and_what_is_weak_about_the_connection() -> None:
    for layers, marks in (((), (NOT_ENCRYPTED,)), ((Claims,), ())):
        async with two_ends(*layers) as (client, _):
            assert key_shown_by(client.session) is None
            assert sender_of(client.session) == Sender(marks=(NOT_AUTHENTICATED, *marks))
            client.session.connection.identity = SHOWN
            assert key_shown_by(client.session) == SHOWN.fingerprint
            assert sender_of(client.session) == Sender(key=SHOWN.fingerprint, marks=marks)


async def test_what_is_there_is_shown_as_the_two_and_their_stack() -> None:
    async with two_ends() as (client, _):
        client.session.connection.identity = SHOWN
        client.ui.events.clear()
        show_open(client.ui, client.session)
        show_two(client.ui, client.session)
        begun, you = client.ui.events
        assert isinstance(begun, Open)
        assert isinstance(you, You)
        assert (begun.peer, begun.role, begun.key) == ("memory:server", "client", SHOWN.fingerprint)
        assert begun.line == client.session.stack.short_line
        assert begun.stack == dict(client.session.stack.names)
        assert (you.sender, you.room, you.present) == (OURSELVES, None, 2)
        assert you.others == (Sender(key=SHOWN.fingerprint, marks=(NOT_ENCRYPTED,)),)


@pytest.mark.parametrize("final", [True, False])
def test_the_end_is_shown_with_its_cause_and_whether_it_is_for_good(final: bool) -> None:
    """Somebody whose program connects again by itself is not told to do so."""
    ui, error = RecordingUi(), Truncated("Cut.")
    show_closed(ui, Ending(EndedBy.FAULT, error.sentence, error), final)
    [closed] = ui.events
    assert isinstance(closed, Closed)
    reason = "Cut. Connect again and ask what was said last." if final else "Cut."
    assert (closed.reason, closed.by, closed.exit_code, closed.final) == (reason, "fault", 8, final)


def test_a_command_is_refused_with_its_request() -> None:
    ui = RecordingUi()
    refuse_command(ui, "who", "r1")
    [refused] = ui.events
    assert isinstance(refused, Error)
    assert (refused.text, refused.code, refused.command, refused.request) == (NO_COMMANDS, "no-commands", "who", "r1")


# -- how often ------------------------------------------------------------------------------------------------------------


def test_the_same_sentence_is_shown_a_few_times_and_the_last_time_says_so() -> None:
    noticed: dict[str, int] = {}
    shown = [once_more("Ignored.", noticed) for _ in range(MAX_SAME + 2)]
    assert shown == [*["Ignored."] * (MAX_SAME - 1), "Ignored. (Further ones like this are not shown.)", "", ""]
    assert noticed == {"Ignored.": MAX_SAME}


def test_so_many_different_sentences_are_shown_and_those_that_were_may_come_again() -> None:
    noticed: dict[str, int] = {}
    for number in range(MAX_NOTICES):
        assert once_more(f"Excuse {number}.", noticed) == f"Excuse {number}."
    assert once_more("One too many.", noticed) == ""
    assert once_more("Excuse 0.", noticed) == "Excuse 0."
    assert len(noticed) == MAX_NOTICES
