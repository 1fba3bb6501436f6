"""Stepping through a trace: which frame and layer are shown, what is found, and what Eve does not see."""

from collections.abc import Iterator

import pytest

from plytalk.cli.stepper import KEYS, Stepper
from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame, inspect_frames
from plytalk.plugins.chat_screen.wrapping import width_of

SECRET = "meet me at nine"


def said(text: str, sealed: bytes, at: float) -> list[TraceEvent]:
    raw = text.encode()
    return [
        TraceEvent("messages", "out", "plaintext", raw, {}, at, "", [Span("text", 0, len(raw), text)]),
        TraceEvent("cipher", "out", "sealed", sealed, {}, at),
        TraceEvent("framer", "out", "M", b"L" + sealed, {}, at),
    ]


EVENTS = [
    TraceEvent("session", "", "started", b"", {"role": "client"}, 0.0),
    TraceEvent("handshake", "in", "public key", b"KEY", {}, 0.5),
    TraceEvent("framer", "in", "K", b"KEY", {}, 0.5),
    TraceEvent("keys", "", "session key", b"k" * 4, {}, 0.6),
    *said(SECRET, b"\xaa" * 9, 1.0),
    *said("goodbye", b"\xbb" * 9, 2.0),
]


def describe(frame: InspectedFrame, event: TraceEvent) -> Iterator[str]:
    yield f"about {event.layer}"
    yield event.data.hex()
    yield from (span.value for span in event.spans)


@pytest.fixture
def stepper() -> Stepper:
    return Stepper(inspect_frames(EVENTS), "talk.trace", describe)


def press(stepper: Stepper, *keys: str) -> list[str]:
    for key in keys:
        assert stepper.press(key)
    return [text for _, text in stepper.lines(80, 24)]


def chosen(stepper: Stepper) -> str:
    [row] = [text for style, text in stepper.lines(80, 24) if style == "reverse"]
    return row


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (40, 12)])
def test_it_fills_the_screen_and_no_line_is_too_long(stepper: Stepper, columns: int, rows: int) -> None:
    for key in ("down", "tab", "e", "end", "pagedown"):
        stepper.press(key)
        lines = stepper.lines(columns, rows)
        assert len(lines) == rows
        assert max(len(text) for _, text in lines) <= columns


def test_arrows_go_from_frame_to_frame_and_stop_at_the_ends(stepper: Stepper) -> None:
    assert "started" in chosen(stepper)
    press(stepper, "up", "down", "down", "down")
    assert SECRET in chosen(stepper)
    press(stepper, "down", "down")
    assert "goodbye" in chosen(stepper)
    press(stepper, "home")
    assert "started" in chosen(stepper)


def test_tab_goes_through_the_layers_of_a_frame(stepper: Stepper) -> None:
    press(stepper, "end")
    for layer in ("[messages]  cipher  framer", "messages  [cipher]  framer", "messages  cipher  [framer]"):
        shown = press(stepper)
        assert layer in shown
        assert f"about {layer.partition('[')[2].partition(']')[0]}" in shown
        stepper.press("tab")
    assert "[messages]  cipher  framer" in press(stepper)
    assert "messages  cipher  [framer]" in press(stepper, "s-tab")


def test_a_search_finds_words_and_bytes_and_goes_on_with_n(stepper: Stepper) -> None:
    assert "/NINE" in press(stepper, "/", *"NINE")
    press(stepper, "enter")
    assert SECRET in chosen(stepper)
    press(stepper, "/", *"bbbx", "backspace", "enter")
    assert "goodbye" in chosen(stepper)
    press(stepper, "n")
    assert "goodbye" in chosen(stepper)
    assert "'nowhere' is in no frame." in press(stepper, "/", *"nowhere", "enter")
    assert KEYS[:80] in press(stepper, "/", "x", "escape")


def test_eve_sees_no_words_no_plaintext_and_no_keys(stepper: Stepper) -> None:
    press(stepper, "e")
    for _ in range(len(EVENTS)):
        for _ in range(3):
            shown = "\n".join(press(stepper, "tab"))
            for secret in (SECRET, "goodbye", SECRET.encode().hex(), (b"k" * 4).hex()):
                assert secret not in shown
        stepper.press("down")
    assert "'nine' is in no frame." in press(stepper, "/", *"nine", "enter")
    assert SECRET in "\n".join(press(stepper, "e"))


def test_eve_sees_what_is_not_sealed() -> None:
    plain = Stepper(inspect_frames(said("hello", b"hello", 1.0)), "t", describe)
    assert "hello" in "\n".join(press(plain, "e"))
    toy = [TraceEvent("session", "", "started", b"", {"secrecy": "none"}, 0.0), *said("hello", b"?????", 1.0)]
    assert "hello" in "\n".join(press(Stepper(inspect_frames(toy), "t", describe), "e"))


def test_q_and_control_c_end_it(stepper: Stepper) -> None:
    assert [stepper.press(key) for key in ("q", "c-c", "x")] == [False, False, True]


def test_an_empty_trace_is_said_to_be_empty() -> None:
    assert Stepper([], "t", describe).lines(80, 24)[0][1].startswith("This trace is empty")


def test_one_who_looks_at_the_last_frame_goes_on_to_each_new_one() -> None:
    frames = inspect_frames(EVENTS)
    live = Stepper([], "talk.trace", describe, live=True)
    assert press(live, "down", "e", "e", "/", "x", "enter", "n", "end", "tab") == [
        "Waiting for the first frame. Press q to quit."
    ]
    assert not live.press("q")
    live.add(frames[:2])
    assert " K " in chosen(live)
    assert "2 of 2  live" in press(live)[0]
    live.press("up")
    live.add(frames[2:4])
    assert "started" in chosen(live)
    live.press("end")
    live.add(frames[4:])
    assert "goodbye" in chosen(live)
    live.live = False
    assert "5 of 5  what this side sees" in press(live)[0]


def test_wide_characters_do_not_make_a_line_too_long() -> None:
    wide = Stepper(inspect_frames(said("你好" * 60, b"\xaa" * 9, 1.0)), "t", describe)
    assert all(width_of(text) <= 80 for text in press(wide))
    assert "你好你好" in chosen(wide)
