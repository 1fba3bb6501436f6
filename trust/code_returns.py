"""A peer that has given a one-time code may come back without it, as after a cut: what both sides keep until all is done.

It is a secret that both have from the exchange over the code, and the key that the other side showed: one is of no use without
the other. The file is private, and is removed when all is done, or after a week.
"""

import time
from contextlib import suppress
from contextvars import ContextVar
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path
from typing import NamedTuple

from plytalk.core.contracts.errors import ChatError, Refused
from plytalk.trust.files import read, write
from plytalk.trust.folders import user_file

PREFIX, DIGEST = "code-", 16
SECRET = 32
DAY = 86400
KEPT_FOR = 7 * DAY
"""How long a secret is kept, in seconds."""
_agreed: ContextVar[bytes] = ContextVar("agreed", default=b"")
"""Of the handshake that this task does: the key that the code has led to; empty for one that comes back."""


class First(NamedTuple):
    """What is known from the first time."""

    secret: bytes
    peer: bytes


def remove_old(folder: Path) -> None:
    """Remove what other conversations have kept for longer than it counts: nobody came back to them."""
    for path in folder.glob(PREFIX + "[0-9a-f]" * 2 * DIGEST):
        with suppress(OSError):
            if _is_old(path):
                path.unlink()


def _is_old(path: Path) -> bool:
    """One from tomorrow or later as well: the clock was set back, and it would be kept until it is there again."""
    return not -DAY < time.time() - path.stat().st_mtime < KEPT_FOR


class Returns:
    """Of one conversation: `about` says which, so that nobody comes back to another one."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._file = ""
        self.first: First | None = None

    def recall(self, words: str) -> None:
        """Read what an earlier run has kept; a client names the code, which it was given then."""
        about = f"{self._about}\n{words}".encode("utf-8", "surrogateescape")
        self._file = f"{PREFIX}{blake2b(about, digest_size=DIGEST).hexdigest()}"
        path = user_file(self._file)
        remove_old(path.parent)
        with suppress(ChatError, OSError, ValueError):
            if not _is_old(path) and (kept := read(path, secret=True)):
                secret, peer = (bytes.fromhex(part) for part in kept.decode().split())
                self.first = First(secret, peer)

    def agree(self, key: bytes) -> None:
        """The code has led to this key."""
        _agreed.set(key)

    def key(self, theirs: bytes, ours: bytes) -> bytes:
        """The pre-shared key for one that comes back."""
        assert self.first
        _agreed.set(b"")
        return blake2b(theirs + ours, key=self.first.secret, digest_size=SECRET).digest()

    @property
    def comes_back(self) -> bool:
        """Whether the other side of this handshake was here before."""
        return not _agreed.get()

    def check(self, peer: bytes) -> None:
        """Raises Refused for another key than the first time."""
        if self.first is None or not compare_digest(peer, self.first.peer):
            raise Refused("The other side shows another key than when it gave the code.")

    def note(self, peer: bytes) -> None:
        """The other side has given the code, and has this key."""
        self.first = First(blake2b(b"plytalk/1 return", key=_agreed.get(), digest_size=SECRET).digest(), peer)
        write(user_file(self._file), f"{self.first.secret.hex()} {self.first.peer.hex()}\n".encode())

    def forget(self) -> None:
        """All is done: nobody comes back."""
        self.first = None
        if self._file:
            user_file(self._file).unlink(missing_ok=True)
