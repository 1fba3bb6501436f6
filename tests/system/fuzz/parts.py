"""What the targets take their input apart with, and the people in it, made once for a process."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.plugins.handshakes.rsa import load_or_make
from plytalk.plugins.noise.primitives import X25519, KeyPair
from plytalk.trust.identity import OwnIdentity


class Input:
    """The bytes of one input, taken from the front. What is asked for beyond the end is zeros."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken.ljust(count, b"\0")

    def number(self, below: int) -> int:
        """A number from 0 to `below` - 1, of two bytes."""
        return int.from_bytes(self.take(2), "big") % below

    def patched(self, honest: bytes) -> bytes:
        """An honest message with what is left written over some of it, and possibly its end cut off or more behind it."""
        at = self.number(len(honest) + 1)
        keep = self.take(1)[0] % 2
        return honest[:at] + self.rest + (honest[at + len(self.rest) :] if keep else b"")


def pieces(data: bytes, cuts: bytes) -> list[bytes]:
    """The data as a network may deliver it: each byte of `cuts` is the length of a piece, the rest comes at once."""
    found, at = [], 0
    for length in cuts:
        found.append(data[at : at + length])
        at += length
    return [*found, data[at:]]


@cache
def identity() -> OwnIdentity:
    return OwnIdentity(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@cache
def static() -> KeyPair:
    return X25519.load(bytes(range(32, 64)))


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return load_or_make(None)


@cache
def _folder() -> "TemporaryDirectory[str]":
    """Removed when the process ends."""
    memory = Path("/dev/shm")
    return TemporaryDirectory(prefix="plytalk-fuzz-", dir=memory if memory.is_dir() else None)


def file(name: str, content: bytes) -> Path:
    """A file with this content."""
    path = Path(_folder().name) / name
    path.write_bytes(content)
    return path
