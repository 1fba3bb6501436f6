"""What a server tells its user about its peers is bounded."""

import asyncio

import pytest

from plytalk.core.endpoints.notices import AT_ONCE, IN_ALL, KINDS, Notices, kind_of


async def test_the_first_of_a_kind_are_shown_and_the_rest_is_counted() -> None:
    shown: list[str] = []
    notices = Notices(shown.append)
    for number in range(12_345 + AT_ONCE):
        notices.tell(f"192.0.2.1:{number} did not get in: The other side closed the connection.")
    assert shown == [f"192.0.2.1:{number} did not get in: The other side closed the connection." for number in range(AT_ONCE)]
    notices.summarise()
    assert shown[AT_ONCE:] == [
        "... and 12,345 more like this in the last 60 seconds: did not get in: The other side closed the connection."
    ]
    notices.summarise()
    assert len(shown) == AT_ONCE + 1


async def test_after_a_period_they_are_shown_again() -> None:
    shown: list[str] = []
    notices = Notices(shown.append)
    for _ in range(2):
        for _ in range(AT_ONCE + 1):
            notices.tell("x came.")
        notices.summarise()
    assert len(shown) == 2 * (AT_ONCE + 1)


async def test_kinds_are_counted_apart_and_only_so_many_are_shown() -> None:
    shown: list[str] = []
    notices = Notices(shown.append)
    for number in range(1000):
        notices.tell("A sentence.", kind=f"kind {number}")
    assert KINDS < len(shown) <= IN_ALL
    notices.tell("A sentence.", kind="kind 1")
    notices.summarise()
    assert shown[-1].endswith(" more like this in the last 60 seconds, of other kinds.")


async def test_the_first_of_a_kind_is_shown_also_where_many_of_others_were() -> None:
    shown: list[str] = []
    notices = Notices(shown.append)
    for kind in "abc":
        for _ in range(AT_ONCE):
            notices.tell("A sentence.", kind=kind)
    assert len(shown) == IN_ALL
    notices.tell("Another one.", kind="d")
    assert shown[-1] == "Another one."
    notices.tell("Another one.", kind="d")
    assert len(shown) == IN_ALL + 1


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("192.0.2.1:5000 did not get in: No.", "did not get in: No."),
        ("alice was sent away: you did not read.", "was sent away: you did not read."),
        ("[2001:db8::1]:5 did not get in: a frame of 4,294,967,295 bytes.", "did not get in: a frame of ... bytes."),
        ("x: Ignored a frame of the unexpected type 'Z'.", "Ignored a frame of the unexpected type ...."),
        ("", ""),
    ],
)
def test_a_kind_is_what_does_not_vary(sentence: str, kind: str) -> None:
    assert kind_of(sentence) == kind


def test_a_kind_is_short() -> None:
    assert len(kind_of("x " + "long " * 1000)) < 200


async def test_a_period_ends_by_itself() -> None:
    shown: list[str] = []
    summarised = asyncio.Event()

    def show(sentence: str) -> None:
        shown.append(sentence)
        if sentence.startswith("..."):
            summarised.set()

    notices = Notices(show, period=0.0)
    for _ in range(AT_ONCE + 2):
        notices.tell("x came.")
    await summarised.wait()
    assert shown[-1] == "... and 2 more like this in the last 0 seconds: came."


def test_a_notice_after_the_loop_has_ended_is_shown() -> None:
    shown: list[str] = []
    notices = Notices(shown.append)
    for _ in range(AT_ONCE + 2):
        notices.tell("x came.")
    notices.summarise()
    assert len(shown) == AT_ONCE + 1
