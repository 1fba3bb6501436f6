"""Noise transport messages (Noise, sections 5.1 and 11), sealed with the two cipher states of a Noise handshake.

    +------------+-----+
    | ciphertext | tag |      as long as the plaintext, 16 bytes; no associated data; the nonce is a counter that is not sent
    +------------+-----+

Each direction has its own key and counter, so a record that is repeated, reordered or reflected does not open, nor does one
that follows a dropped record. After 2^20 records or 1 GiB of ciphertext, both ends rekey a direction (section 4.2).
"""

import gc
import os
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.contracts.layer import Failed
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Reader, Span
from plytalk.core.registry.hookspecs import hookimpl

TAG = 16
REKEY_RECORDS, REKEY_BYTES = 2**20, 2**30


class NoiseTransport(Cipher):
    """The cipher states of a Noise handshake: a key and a counter for each direction."""

    name = "noise"
    needs = {Property.STATES, Property.BOUNDARIES}
    gives = {Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER}
    prefers = {"framer": "u16", "handshake": "plytalk1", "messages": "records"}
    overhead = TAG

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        if secrets.states is None:
            raise HandshakeFailed("The handshake left no cipher states.")
        sending, receiving = secrets.states
        self._out, self._in = _Direction(sending, "seal"), _Direction(receiving, "open")
        self._failed = False

    def seal(self, plaintext: bytes) -> bytes:
        out = self._out
        if out.n == out.last or out.room <= 0:
            out.rekey()
        n = out.n
        sealed: bytes = out.crypt(out.nonce(n), plaintext, None)
        out.n = n + 1
        out.room -= len(sealed)
        return sealed

    @staticmethod
    def seal_each(ciphers: "Sequence[NoiseTransport]", plaintext: bytes, failed: Failed) -> list[bytes]:
        results: list[bytes] = []
        add, size = results.append, len(plaintext) + TAG
        for cipher in ciphers:
            out = cipher._out
            try:
                n = out.n
                if n == out.last or out.room <= 0:
                    out.rekey()
                add(out.crypt(out.nonce(n), plaintext, None))
                out.n = n + 1
                out.room -= size
            except Exception as error:
                failed.append((len(results), error))
                add(b"")
        return results

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        if not self._out.has_room_for(plaintexts):
            return [self.seal(plaintext) for plaintext in plaintexts]
        return self._out.crypt_each(plaintexts, sum(map(len, plaintexts)) + TAG * len(plaintexts))

    @property
    def sealed_count(self) -> int:
        return int(self._out.n)

    def open(self, sealed: bytes) -> bytes:
        into = self._in
        try:
            if into.n == into.last or into.room <= 0:
                into.rekey()
            n = into.n
            plaintext: bytes = into.crypt(into.nonce(n), sealed, None)
        except LocalError:
            if not self._failed:  # the keys were forgotten, so the fault is ours
                raise
            raise Tampered("Another record came after one that did not decrypt.") from None
        except Exception:  # the first failure is final: later records cannot be trusted
            self._failed = True
            self.forget()
            raise Tampered("A record did not decrypt: someone changed, repeated, reordered or dropped what was sent.") from None
        into.n = n + 1
        into.room -= len(sealed)
        return plaintext

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        if not self._in.has_room_for(sealed):
            raise LocalError("This direction is rekeyed within the batch.")  # the records are then handled one by one
        return self._in.crypt_each(sealed, sum(map(len, sealed)))

    def fields(self, message: Passed) -> Iterator[Span]:
        sealed, counter = Reader(message.data), f"counter {message.number}"
        yield sealed.take("ciphertext", sealed.left - TAG, made_of=f"key of this direction, {counter}, plaintext")
        yield sealed.rest("tag", made_of=f"key of this direction, {counter}, ciphertext")

    def forget(self) -> None:
        """Drop both keys. Later calls raise LocalError."""
        for direction in (self._out, self._in):
            direction.state.forget()
            direction.bind()

    def __repr__(self) -> str:
        return f"<NoiseTransport {self._out.n} sent, {self._in.n} received>"


class _Direction:
    """One direction's cipher state, with bound methods for the loop. It is rekeyed when `n` is `last`, or no `room` is left."""

    __slots__ = ("crypt", "last", "n", "nonce", "room", "state", "way")

    def __init__(self, state: Any, way: str) -> None:
        self.state, self.n, self.way = state, state.n, way
        self.bind()
        self._count()

    def bind(self) -> None:
        self.crypt, self.nonce = getattr(self.state, self.way), self.state.nonce

    def has_room_for(self, records: Sequence[bytes]) -> bool:
        """Whether all these records fit under the current key."""
        return self.n + len(records) <= self.last and self.room > sum(map(len, records)) + TAG * len(records)

    def crypt_each(self, records: Sequence[bytes], size: int) -> list[bytes]:
        """Seal or open records, of `size` sealed bytes in all. If one does not open, nothing changes."""
        n, end = self.n, self.n + len(records)
        done = list(map(self.crypt, map(self.nonce, range(n, end)), records, repeat(None)))
        self.n = end
        self.room -= size
        return done

    def rekey(self) -> None:
        self.state.rekey()
        self.bind()
        self._count()

    def _count(self) -> None:
        # The counter's own end (2^64-1) needs no extra check: it would take 2^44 rekeyings to get there.
        self.last, self.room = self.n + REKEY_RECORDS, REKEY_BYTES


def _forget_all() -> None:
    """A forked child has the parent's keys and counters: it must never use them.

    They are found among all objects: a list of them would cost memory in every conversation, for something very rare.
    """
    for one in gc.get_objects():
        if isinstance(one, NoiseTransport):
            one.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


@hookimpl
def layers() -> list[type[NoiseTransport]]:
    return [NoiseTransport]
