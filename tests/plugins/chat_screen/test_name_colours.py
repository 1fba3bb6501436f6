"""Colours by key: the last twelve speakers can be told apart, on white and on black."""

import random

import pytest

from plytalk.plugins.chat_screen.name_colours import ASCII_MARKS, MARKS, PALETTE, SPEAKERS, NameColours, colour_code, mark


def test_the_last_twelve_speakers_have_different_places() -> None:
    names, chance, spoken = NameColours(), random.Random(7), []
    for _ in range(2000):
        key = f"key {chance.randrange(30)}"
        names.place(key)
        spoken = [*(one for one in spoken if one != key), key][-SPEAKERS:]
        places = [names._places[one] for one in spoken]
        assert len(set(places)) == len(spoken)


def test_a_speaker_keeps_the_place_while_no_more_than_twelve_speak() -> None:
    names = NameColours()
    first = [names.place(f"key {number}") for number in range(SPEAKERS)]
    assert [names.place(f"key {number}") for number in range(SPEAKERS)] == first
    assert sorted(first) == list(range(SPEAKERS))


def test_the_first_four_speakers_do_not_look_alike() -> None:
    for run in range(50):
        names = NameColours()
        places = sorted(names.place(f"{run} {number}") for number in range(4))
        assert all((after - before) % SPEAKERS > 1 for before, after in zip(places, [*places[1:], places[0]], strict=True))


def test_the_first_speaker_has_the_same_place_in_every_run() -> None:
    assert {NameColours().place("SHA256:erin") for _ in range(5)} == {NameColours().place("SHA256:erin")}


def luminance(colour: int) -> float:
    """WCAG 2.1, relative luminance, of one of the 216 colours of xterm's cube."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = colour - 16
    parts = [levels[cube // 36] / 255, levels[cube // 6 % 6] / 255, levels[cube % 6] / 255]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", PALETTE)
def test_every_colour_is_readable_on_white_and_on_black(colour: int) -> None:
    light = luminance(colour)
    assert min(1.05 / (light + 0.05), (light + 0.05) / 0.05) >= 3.7


def test_the_codes_are_different_with_256_colours_and_with_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    for term in ("xterm-256color", "xterm"):
        monkeypatch.setenv("TERM", term)
        assert len({colour_code(place) for place in range(SPEAKERS)}) == SPEAKERS
    assert colour_code(0) == "31"
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert colour_code(0) == f"38;5;{PALETTE[0]}"


def test_marks_are_in_the_characters_that_the_terminal_knows() -> None:
    assert [mark(place, "utf-8") for place in range(SPEAKERS)] == list(MARKS)
    for encoding in ("ascii", "latin-1", "no such encoding"):
        assert [mark(place, encoding) for place in range(SPEAKERS)] == list(ASCII_MARKS)
    assert len(set(MARKS)) == len(set(ASCII_MARKS)) == SPEAKERS
