"""The screen of `chat demo`: what an eavesdropper learned is said by what passed and by what the stack gives."""

import pytest

from plytalk.cli.demo_summary import Demonstration, comparison, cut, summary
from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame, inspect_frames
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.handshakes.rsa import RsaOaep
from plytalk.plugins.messages.records import Records
from plytalk.testing import stack_of

PLAIN, SEALED, TOY = stack_of(), stack_of(RsaOaep, AesGcm), stack_of(RsaOaep)
DEFAULT = stack_of(U16, Plytalk1, NoiseTransport, Records)


def frames(words: str, sealed: bytes) -> list[InspectedFrame]:
    return inspect_frames(
        [
            TraceEvent("handshake", "in", "key", b"-----BEGIN KEY-----", {}, 0.0),
            TraceEvent("messages", "out", "plaintext", words.encode(), {}, 1.0, "", [Span("text", 0, len(words), words)]),
            TraceEvent("cipher", "out", "sealed", sealed, {}, 1.0),
            TraceEvent("framer", "out", "M", b"\0\1" + sealed, {}, 1.0),
            TraceEvent("messages", "out", "plaintext", b"exit", {}, 2.0, "", [Span("text", 0, 4, "exit")]),
            TraceEvent("cipher", "out", "sealed", b"????", {}, 2.0),
            TraceEvent("framer", "out", "M", b"\0\1????", {}, 2.0),
        ]
    )


@pytest.mark.parametrize(
    ("stack", "sealed", "says"),
    [
        (PLAIN, b"meet me", "Every word, as it was typed."),
        (TOY, b"\xaa" * 7, "Every word, with some thought: the bytes differ, but nothing is kept secret."),
        (SEALED, b"\xaa" * 7, "Not a word of what was said."),
        (DEFAULT, b"\xaa" * 7, "Not how long each message is: all have 9 bytes."),
        (SEALED, b"\xaa" * 7, "And if a key leaks later: every word of what was recorded."),
    ],
)
def test_what_an_eavesdropper_learned_is_true(stack, sealed, says) -> None:
    assert f"  - {says}" in summary(Demonstration(stack, frames("meet me", sealed)))


def test_the_words_stand_beside_the_bytes_and_the_exit_is_not_among_them() -> None:
    lines = list(summary(Demonstration(SEALED, frames("meet me", b"\xaa" * 20))))
    [row] = [line for line in lines if "meet me" in line]
    assert row.split() == ["->", "meet", "me", "22", "bytes", *["aa"] * 8, "..."]
    assert not [line for line in lines if "exit" in line]


@pytest.mark.parametrize("words", ["x" * 300, "\x1b[2J" * 40, "\u202e" * 90])
def test_no_line_is_longer_than_the_screen_whatever_was_said(words: str) -> None:
    demo = Demonstration(PLAIN, frames(words, words.encode()))
    for line in (*summary(demo), *comparison([("one", demo), ("two", demo), ("three", demo)])):
        assert len(line) <= 80
        assert line.isprintable()


def test_what_is_not_secret_now_is_not_said_to_be_secret_later() -> None:
    rows = list(
        comparison([("plain", Demonstration(PLAIN, frames("hi", b"hi"))), ("rsa", Demonstration(SEALED, frames("hi", b"?")))])
    )
    for question in ("if a key leaks later", "by quantum computers"):
        [row] = [line for line in rows if line.startswith(question)]
        assert row.removeprefix(question).split() == ["readable", "readable"]


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert (cut("abcdef", 6), cut("abcdefg", 6)) == ("abcdef", "abc...")
