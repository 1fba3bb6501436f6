"""The preambles of plytalk/1, by which two ends agree on a suite before the first Noise message.

    initiator:  "PLYTALK1\\n" | count (u8) | count times: length (u8), token
    responder:  length (u8), token chosen (empty: none) | count (u8) | count times: length (u8), token

A token is a Noise protocol name; where the pre-shared key comes of a one-time code, `/code` follows it. Each preamble has 256
bytes at most and travels in its own frame. Both are hashed into the handshake as its prologue, so that nobody can edit
an offer unnoticed.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from plytalk.core.contracts.errors import HandshakeFailed

MAGIC = b"PLYTALK1\n"
MAX_BYTES = 256
LABEL = b"plytalk/1"

_TOKEN = re.compile(rb"[A-Za-z0-9_+/]{1,255}")


class Offer(Struct, frozen=True):
    """The initiator's preamble: what it offers, best first."""

    tokens: tuple[str, ...]

    def encode(self) -> bytes:
        return MAGIC + _list(self.tokens)

    @classmethod
    def decode(cls, raw: bytes) -> "Offer":
        """Raises HandshakeFailed for anything that no initiator writes."""
        if not raw.startswith(MAGIC):
            raise HandshakeFailed("The other side does not speak plytalk/1.", "Check that both sides run the same stack.")
        tokens, rest = _tokens(raw[len(MAGIC) :])
        if rest:
            raise _malformed()
        return cls(tokens)


class Answer(Struct, frozen=True):
    """The responder's preamble: what it chose from the offer ("" for nothing), and everything that it supports."""

    chosen: str
    known: tuple[str, ...]

    def encode(self) -> bytes:
        return _entry(self.chosen) + _list(self.known)

    @classmethod
    def decode(cls, raw: bytes) -> "Answer":
        """Raises HandshakeFailed for anything that no responder writes."""
        chosen, rest = ("", raw[1:]) if raw[:1] == b"\0" else _token(raw)
        known, rest = _tokens(rest)
        if rest or (chosen and chosen not in known):
            raise _malformed()
        return cls(chosen, known)


def tokens(suites: Sequence[str], agreement: str) -> tuple[str, ...]:
    """The tokens for these suites, with the pre-shared key that `agreement` ("", "psk" or "code") brings as psk3."""
    if not agreement:
        return tuple(suites)
    suffix = "" if agreement == "psk" else f"/{agreement}"
    names = (suite.split("_", 2) for suite in suites)
    return tuple(f"{noise}_{pattern}{'+' if 'hfs' in pattern else ''}psk3_{rest}{suffix}" for noise, pattern, rest in names)


def suite(token: str) -> str:
    """The Noise protocol name in a token."""
    return token.partition("/")[0]


def agreement(token: str) -> str:
    """What brings the pre-shared key of a token: "", "psk" or "code"."""
    suite, _, method = token.partition("/")
    return method or "psk" * ("psk3_" in suite)


def prologue(offer: bytes, answer: bytes) -> bytes:
    """The Noise prologue: the label, and both preambles as they went over the wire, each behind its length (u16, BE)."""
    return LABEL + b"".join(len(part).to_bytes(2, "big") + part for part in (offer, answer))


def _entry(token: str) -> bytes:
    return len(token).to_bytes(1, "big") + token.encode("ascii")


def _list(entries: Sequence[str]) -> bytes:
    return len(entries).to_bytes(1, "big") + b"".join(map(_entry, entries))


def _tokens(raw: bytes) -> tuple[tuple[str, ...], bytes]:
    if not raw:
        raise _malformed()
    rest = raw[1:]
    found = []
    for _ in range(raw[0]):
        token, rest = _token(rest)
        found.append(token)
    if not found or len(set(found)) != len(found):
        raise _malformed()
    return tuple(found), rest


def _token(raw: bytes) -> tuple[str, bytes]:
    length = raw[0] if raw else 0
    token = raw[1 : 1 + length]
    if len(token) != length or not _TOKEN.fullmatch(token):
        raise _malformed()
    return token.decode("ascii"), raw[1 + length :]


def _malformed() -> HandshakeFailed:
    return HandshakeFailed("The other side's preamble is not written as it should be.")
