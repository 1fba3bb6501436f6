"""The same for many: conversations that are sent the same words, each under its own keys, layer by layer in one loop each."""

from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import Any, cast

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Failed, attempt
from plytalk.core.contracts.optional import EncodesEach, SealsEach, SendsEach
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.pipeline.session import Session

SMALL = 2048
"""Up to how many bytes it pays to go layer by layer: what is larger is sealed and sent for one after the other."""
IN_CACHE = 64 * 1024
"""How many bytes are sealed before they are sent: more would be fetched from memory again."""


class Broadcast:
    """Conversations of one stack. What fails in one ends that one, and nobody else notices.

    `sent` counts the plaintexts that have gone to all; a conversation that is in here counts them by it.
    """

    def __init__(self) -> None:
        self.sent = 0
        self._sessions: list[Session] = []
        self._ciphers: list[Cipher] = []
        self._framers: list[Framer] = []
        self._streams: list[Stream] = []

    def __len__(self) -> int:
        return len(self._sessions)

    def add(self, session: Session) -> None:
        """Let a conversation have what is delivered from now on."""
        session.follow(self)
        self._sessions.append(session)
        cipher, framer = session.sealing
        self._ciphers.append(cipher)
        self._framers.append(framer)
        self._streams.append(session.stream)

    def remove(self, session: Session) -> None:
        """Let it have no more. Raises ValueError if it is not in here."""
        at = self._sessions.index(session)
        del self._sessions[at], self._ciphers[at], self._framers[at], self._streams[at]
        session.follow(None)

    def cut(self, at: int) -> list[Session]:
        """Let only the first `at` have what is delivered from now on; gives the others."""
        gone = self._sessions[at:]
        for each in (self._sessions, self._ciphers, self._framers, self._streams):
            del each[at:]
        for session in gone:
            session.follow(None)
        return gone

    def deliver(self, plaintexts: Sequence[bytes]) -> list[Session]:
        """Send plaintexts to all; gives those whose streams are full now."""
        sessions, size = self._sessions, sum(map(len, plaintexts))
        if not sessions:
            return []
        if size > SMALL or sessions[0].is_traced:  # a tracer has put itself between the layers of each
            for session in tuple(sessions):
                session.deliver(plaintexts)
            return [session for session in sessions if session.stream.full]
        self.sent += len(plaintexts)
        failed: Failed = []
        at_once = IN_CACHE // max(1, size)
        full = [number for start in range(0, len(sessions), at_once) for number in self._pass(plaintexts, start, at_once, failed)]
        slow = [sessions[number] for number in full]
        for session, error in [(sessions[number], error) for number, error in failed]:
            session.fail(error)
        return slow

    def _pass(self, plaintexts: Sequence[bytes], start: int, count: int, failed: Failed) -> list[int]:
        stop = start + count
        ciphers, framers, streams = self._ciphers[start:stop], self._framers[start:stop], self._streams[start:stop]
        errors: Failed = []
        pieces: list[bytes] = []
        for plaintext in plaintexts:
            frames = encode_each(framers, seal_each(ciphers, plaintext, errors), errors)
            pieces = list(map(add, pieces, frames)) if pieces else frames
        for number, _ in errors:
            pieces[number] = b""
        full = send_each(streams, pieces, errors)
        failed += [(start + number, error) for number, error in errors]
        return [start + number for number in full]


def seal_each(ciphers: Sequence[Cipher], plaintext: bytes, failed: Failed) -> list[bytes]:
    """One plaintext sealed with each: in one go where the cipher can do it. Where one raises, its place is empty."""
    if _offers(type(ciphers[0]), SealsEach):
        return cast(SealsEach, ciphers[0]).seal_each(ciphers, plaintext, failed)
    return [attempt(number, failed, cipher.seal, plaintext) or b"" for number, cipher in enumerate(ciphers)]


def encode_each(framers: Sequence[Framer], payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
    if _offers(type(framers[0]), EncodesEach):
        return cast(EncodesEach, framers[0]).encode_each(framers, MESSAGE, payloads, failed)
    pairs = enumerate(zip(framers, payloads, strict=True))
    return [attempt(number, failed, framer.encode, MESSAGE, payload) or b"" for number, (framer, payload) in pairs]


def send_each(streams: Sequence[Stream], pieces: Sequence[bytes], failed: Failed) -> list[int]:
    """Gives the numbers of those that are full."""
    if _offers(type(streams[0]), SendsEach):
        return cast(SendsEach, streams[0]).send_each(streams, pieces, failed)
    for number, (stream, piece) in enumerate(zip(streams, pieces, strict=True)):
        attempt(number, failed, stream.send, piece)
    return [number for number, stream in enumerate(streams) if stream.full]


@lru_cache(64)  # a look at a Protocol takes longer than sealing
def _offers(layer: type, batch_form: Any) -> bool:
    return issubclass(layer, batch_form)
