"""SessionSecrets and identities: what a handshake hands on, and what authenticators judge."""

import hmac
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any, Generic, NoReturn, TypeVar

from msgspec import Struct

from plytalk.core.contracts.public_key import PublicKey, fingerprint_of

T = TypeVar("T")


class Role(Enum):
    """Which end of the conversation this is: the one that connected, or the one that listened."""

    INITIATOR = "client"
    RESPONDER = "server"

    @property
    def other(self) -> "Role":
        """The other side's."""
        return Role.RESPONDER if self is Role.INITIATOR else Role.INITIATOR


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class SessionSecrets:
    """The keys a handshake leaves for the cipher: one for each direction, as this end sees them.

    `states` takes the place of the keys where the handshake leaves something better than bytes: sending, then receiving. `suite`
    says which algorithms were agreed on, where the handshake settles that. `transcript` is a public value that both ends share
    and nobody else can bring about (the handshake hash), from which `binding` derives. A key in a `bytearray` may be overwritten
    by the cipher that has its copy. Never printed, never pickled.
    """

    send: bytes | bytearray = b""
    receive: bytes | bytearray = b""
    states: tuple[Any, Any] | None = None
    suite: str = ""
    transcript: bytes = b""

    def binding(self, name: str) -> bytes:
        """32 bytes that tie the authenticator `name` to this very conversation: HKDF-SHA256 (RFC 5869) of the transcript."""
        extracted = hmac.digest(bytes(32), self.transcript, "sha256")
        return hmac.digest(extracted, b"plytalk/1 binding " + name.encode() + b"\x01", "sha256")

    @classmethod
    def shared(cls, key: bytes | bytearray) -> "SessionSecrets":
        """One key for both directions, as the existing encrypted chats have it."""
        return cls(key, key)

    @classmethod
    def none(cls) -> "SessionSecrets":
        """No secret at all."""
        return cls()

    def __repr__(self) -> str:
        return f"<SessionSecrets {self.suite or 'without a suite'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled or copied")


class Identity(Struct, frozen=True):
    """A public key that the other side showed: its algorithm's name, and the key as bytes in that algorithm's usual form."""

    algorithm: str
    key: bytes

    @property
    def fingerprint(self) -> str:
        """SHA256:... in the form of OpenSSH (base64 without padding)."""
        return fingerprint_of(sha256(self.key).digest())

    @property
    def is_openssh(self) -> bool:
        """Whether the key is one as OpenSSH writes it (RFC 4253 section 6.6), so that it can be kept in its files."""
        try:
            return PublicKey(self.key).type == self.algorithm
        except ValueError:
            return False


class Login(Struct, frozen=True):
    """By which name a peer asks to be called, and the key that it has proven to hold, where the transport tells."""

    name: str = ""
    key: Identity | None = None


class Reply(Generic[T]):
    """Something to `await`. It refuses to be a truth value, so `if not wire.ask(...)` without `await` cannot fail open."""

    __slots__ = ("_arguments", "_function")

    def __init__(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> None:
        self._function, self._arguments = function, arguments

    def __await__(self) -> Generator[Any, None, T]:
        return self._function(*self._arguments).__await__()

    def __bool__(self) -> NoReturn:
        raise TypeError("await it first: a reply that has not come is neither yes nor no")


class Peer(Struct, frozen=True):
    """What an authenticator is given to judge: never a key of ours, only what the other side showed.

    `confirm(question, otherwise)` asks the person at the terminal and gives True or False when awaited; where nobody can be
    asked it raises `UnknownPeer`, and `otherwise` tells which option would have said yes beforehand. `say` shows a sentence.
    `binding` is there once the handshake is complete: a value of this conversation and this authenticator.
    """

    role: Role
    address: str
    identity: Identity
    ask: Callable[[str, str], Awaitable[bool]]
    binding: bytes = b""
    say: Callable[[str], None] = lambda sentence: None

    def confirm(self, question: str, otherwise: str = "") -> Reply[bool]:
        """Ask the person at the terminal. Raises UnknownPeer when awaited, where nobody can be asked."""
        return Reply(self.ask, question, otherwise)


@cache
def copies_keys(new: Callable[[bytearray], Any], size: int) -> bool:
    """Whether an AEAD made by `new` has its own copy of a key of `size` bytes, so that ours can be overwritten; not every build
    of `cryptography` does."""
    key, nonce = bytearray(size), bytes(12)
    aead = new(key)
    before = aead.encrypt(nonce, b"", None)
    key[0] = 1
    return bool(aead.encrypt(nonce, b"", None) == before)


def wipe(*secrets: bytearray) -> None:
    """Overwrite secrets: what Python frees it leaves in memory as it was."""
    for secret in secrets:
        secret[:] = bytes(len(secret))
