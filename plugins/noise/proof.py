"""A side's static key and the proof that it belongs to an identity: both are short-lived, so that a stolen copy soon becomes
useless.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from plytalk.plugins.noise import payload
from plytalk.plugins.noise.primitives import DH, KeyPair
from plytalk.trust.identity import OwnIdentity

RENEWAL = 3600
"""After how many seconds both are replaced."""


class Proven(NamedTuple):
    """A static key, and the payload that ties it to the identity."""

    pair: KeyPair
    proof: bytes

    @property
    def dated(self) -> bool:
        """Whether there is a proof, with an expiry."""
        return self.proof[payload.UNDATED - payload.LENGTH :].startswith(payload.EXPIRY_HEAD)


class Prover:
    """Gives each handshake what it shows. What it was given is its own: replacing it disturbs none that is under way.

    A pair that others have to know in advance is given here, and stays; its proof is signed again like any other.
    """

    def __init__(
        self, identity: OwnIdentity, dh: DH, pair: KeyPair | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._identity, self._dh, self._given, self.clock = identity, dh, pair, clock
        self._current: Proven | None = None
        self._since = 0.0

    def current(self) -> Proven:
        """The static key and proof for a handshake that begins now."""
        now = self.clock()
        # A clock that was set back counts as well: a proof from before might be dated for too late.
        if self._current is None or not 0 <= now - self._since < RENEWAL:
            pair = self._given or self._dh.generate_keypair()
            self._current, self._since = Proven(pair, payload.encode(self._identity, pair.public, now)), now
        return self._current
