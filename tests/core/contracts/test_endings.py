"""Endings: what the peer's goodbye means, and what its user reads."""

import pytest

from plytalk.core.contracts.endings import SENTENCES, EndedBy, Ending, ending_by_peer
from plytalk.core.contracts.errors import Exit, HandshakeFailed, Refused, Removed, Truncated
from plytalk.core.contracts.items import Close, CloseReason

CODES = {
    CloseReason.SAID_EXIT: 0,
    CloseReason.KICKED: 9,
    CloseReason.BANNED: 9,
    CloseReason.SHUTDOWN: 0,
    CloseReason.REFUSED: 4,
    CloseReason.TOO_SLOW: 9,
    CloseReason.IDLE: 9,
    CloseReason.BUSY: 4,
}


@pytest.mark.parametrize("reason", CloseReason)
def test_each_reason_has_its_sentence_and_its_exit_code(reason: CloseReason) -> None:
    ending = ending_by_peer(Close(reason=reason))
    assert (ending.by, ending.reason, ending.code) == (EndedBy.THEM, SENTENCES[reason], reason)
    assert ending.exit_code == CODES[reason]
    assert isinstance(ending.error, {9: Removed, 4: HandshakeFailed}.get(CODES[reason], type(None)))
    assert isinstance(ending.error, Refused) == (reason is CloseReason.REFUSED)  # a client tries a busy server again


def test_a_sentence_of_the_server_takes_the_place_of_ours_and_is_cleaned() -> None:
    ending = ending_by_peer(Close(reason=CloseReason.KICKED, sentence="bob removed you: \x1b[2Jspam."))
    assert ending.reason == "bob removed you: \N{SYMBOL FOR ESCAPE}[2Jspam."
    assert ending.error is not None
    assert ending.error.sentence == ending.reason
    assert ending_by_peer(Close(reason=CloseReason.SHUTDOWN, sentence="Back at nine.")).reason == "Back at nine."


def test_an_unknown_reason_is_an_ordinary_goodbye() -> None:
    ending = ending_by_peer(Close(reason=200))
    assert (ending.code, ending.reason, ending.exit_code) == (CloseReason.SAID_EXIT, "The other side said exit.", Exit.OK)


def test_who_was_removed_by_an_operator_stays_away_and_others_may_come_back() -> None:
    final = {reason for reason in CloseReason if ending_by_peer(Close(reason=reason)).is_final}
    assert final == {CloseReason.KICKED, CloseReason.BANNED, CloseReason.REFUSED, CloseReason.IDLE}


def test_the_error_gives_the_exit_code() -> None:
    assert Ending(EndedBy.US, "Done.").exit_code == Exit.OK
    assert Ending(EndedBy.FAULT, "Cut.", Truncated()).exit_code == Exit.TRUNCATED
