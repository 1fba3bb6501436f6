"""Noise transport messages (Noise, section 5.1 and 11): the two cipher states that a Noise handshake leaves.

    +------------+-----+
    | ciphertext | tag |      as long as the plaintext, 16 bytes; no associated data; the nonce is a counter that is not sent
    +------------+-----+

Each direction has its own key and counter, so a record that is repeated, reordered, dropped or sent back does not open. After
2^20 records or 1 GiB of ciphertext a direction is rekeyed (section 4.2), which both ends count alike.
"""

import os
from typing import Any
from weakref import WeakSet

from plytalk.core.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role, Secrets
from plytalk.core.layers import Cipher
from plytalk.core.properties import Property

TAG = 16
MAX_RECORD = 65535
REKEY_RECORDS, REKEY_BYTES = 2**20, 2**30

_alive: "WeakSet[NoiseTransport]" = WeakSet()


class NoiseTransport(Cipher):
    """The cipher states of a Noise handshake: a key and a counter for each direction."""

    name = "noise"
    needs = {Property.STATES, Property.BORDERS}
    gives = {Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER}
    prefers = {"framer": "u16", "handshake": "plytalk1", "messages": "records"}
    overhead = TAG

    def __init__(self, secrets: Secrets, role: Role) -> None:
        if secrets.states is None:
            raise HandshakeFailed("The handshake left no cipher states.")
        self._out, self._in = (_Direction(state) for state in secrets.states)
        _alive.add(self)

    def seal(self, plaintext: bytes) -> bytes:
        out = self._out
        if not out.left or out.room <= 0:
            out.rekey()
        n = out.n
        sealed: bytes = out.encrypt(out.nonce(n), plaintext, None)
        out.n = n + 1
        out.left -= 1
        out.room -= len(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        into = self._in
        if not into.left or into.room <= 0:
            into.rekey()
        n = into.n
        try:
            plaintext: bytes = into.decrypt(into.nonce(n), sealed, None)
        except LocalError:
            raise
        except Exception:  # the first failure is the last: what comes now may be anything
            self.forget()
            raise Tampered("A record did not decrypt: someone changed, repeated, reordered or dropped what was sent.") from None
        into.n = n + 1
        into.left -= 1
        into.room -= len(sealed)
        return plaintext

    def forget(self) -> None:
        """Drop both keys: whatever is asked from now on raises LocalError."""
        for direction in (self._out, self._in):
            direction.state.forget()
            direction.bind()

    def __repr__(self) -> str:
        return f"<NoiseTransport {self._out.n} sent, {self._in.n} received>"


class _Direction:
    """One direction's cipher state, with what the loop needs bound."""

    __slots__ = ("decrypt", "encrypt", "left", "n", "nonce", "room", "state")

    def __init__(self, state: Any) -> None:
        self.state, self.n = state, state.n
        self.bind()
        self._count()

    def bind(self) -> None:
        self.encrypt, self.decrypt, self.nonce = self.state.seal, self.state.open, self.state.nonce

    def rekey(self) -> None:
        self.state.rekey()
        self.bind()
        self._count()

    def _count(self) -> None:
        # 2^44 rekeyings would come before the counter's own end (2^64-1), so that it needs no check of its own.
        self.left, self.room = REKEY_RECORDS, REKEY_BYTES


def _forget_all() -> None:
    """A forked child has the parent's keys and counters: it must never use them."""
    for cipher in list(_alive):
        cipher.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


@hookimpl
def layers() -> list[type[NoiseTransport]]:
    return [NoiseTransport]
