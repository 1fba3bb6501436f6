"""Exercise 1: the conversation was real, its words are in the trace, and only the place where they meet is the answer."""

import io

from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.wire_reading import check, make, script
from plytalk.lab.inspect.trace_file import parse

DRAW = Draw(1, "erin")


def test_what_was_said_passed_in_plaintext_both_ways() -> None:
    events = list(parse(io.BytesIO(make(DRAW)["wire.trace"])))
    passed = [(event.way, event.data.decode()) for event in events if event.layer == "transport" and event.what == "bytes"]
    said = [({"client": "out", "server": "in"}[role.value], line) for role, line in script(DRAW)]
    assert passed[: len(said)] == said


def test_the_words_in_their_order_are_the_answer_and_the_other_place_is_not() -> None:
    place, landmark, other, beside = DRAW.words("places", 4)
    assert check(DRAW, f" {place.upper()}  {landmark}\n").right
    for wrong in (f"{other} {beside}", f"{landmark} {place}", f"{place} {landmark} {other}", place, f"{place}{landmark}"):
        assert not check(DRAW, wrong).right


def test_a_wrong_answer_says_what_is_wrong_with_it() -> None:
    place, landmark, other, beside = DRAW.words("places", 4)
    assert check(DRAW, f"{landmark} {place}").why == "These are the right words in the wrong order."
    assert check(DRAW, f"{other} {beside}").why == "The recording names that place too, but they do not meet there."
    assert check(DRAW, f"{place} by the {landmark}").why == "The answer is two words; you gave 4."
    assert check(DRAW, "not these").why == "These two words do not name the meeting place."
