"""SessionSecrets, which a handshake produces, and identities, which authenticators judge."""

import hmac
from collections.abc import Awaitable, Callable, Generator
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any, Generic, NoReturn, TypeVar

from msgspec import Struct

from plytalk.core.contracts.public_key import PublicKey, fingerprint_of
from plytalk.core.contracts.unprinted import Unprinted

T = TypeVar("T")


class Role(Enum):
    """The end of the conversation: the one that connected, or the one that listened."""

    INITIATOR = "client"
    RESPONDER = "server"

    @property
    def other(self) -> "Role":
        """The other side's."""
        return Role.RESPONDER if self is Role.INITIATOR else Role.INITIATOR


class SessionSecrets(Unprinted, Struct, frozen=True, eq=False):
    """The keys that a handshake produces for the cipher: one for each direction, as seen from this end.

    `states` replaces the keys if the handshake produces cipher states: for sending, then for receiving. `suite` names the
    algorithms, if the handshake negotiates them. `transcript` is a public value that is unique to this handshake and the same at
    both ends (the handshake hash); `binding` is derived from it. A cipher that has copied a key may overwrite the `bytearray`.
    Never printed, never pickled.
    """

    send: bytes | bytearray = b""
    receive: bytes | bytearray = b""
    states: tuple[Any, Any] | None = None
    suite: str = ""
    transcript: bytes = b""

    def binding(self, name: str) -> bytes:
        """Return 32 bytes that bind the authenticator `name` to this conversation: HKDF-SHA256 (RFC 5869) of the transcript."""
        extracted = hmac.digest(bytes(32), self.transcript, "sha256")
        return hmac.digest(extracted, b"plytalk/1 binding " + name.encode() + b"\x01", "sha256")

    @classmethod
    def shared(cls, key: bytes | bytearray) -> "SessionSecrets":
        """Use one key for both directions, as the existing encrypted chats do."""
        return cls(key, key)

    @classmethod
    def none(cls) -> "SessionSecrets":
        """No secret at all."""
        return cls()

    def __repr__(self) -> str:
        return f"<SessionSecrets {self.suite or 'without a suite'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled or copied")

    def __copy__(self) -> NoReturn:
        self.__reduce__()


class Identity(Struct, frozen=True):
    """A public key that the other side showed: the name of its algorithm, and the key as bytes in that algorithm's usual
    encoding.
    """

    algorithm: str
    key: bytes

    @property
    def fingerprint(self) -> str:
        """SHA256:... in the form of OpenSSH (base64 without padding)."""
        return fingerprint_of(sha256(self.key).digest())

    @property
    def is_openssh(self) -> bool:
        """Whether the key is in OpenSSH's encoding (RFC 4253 section 6.6), so that OpenSSH's files can hold it."""
        try:
            return PublicKey(self.key).type == self.algorithm
        except ValueError:
            return False


class Login(Struct, frozen=True):
    """The name that a peer asks for and the key that it has proven to hold, from the transport."""

    name: str = ""
    key: Identity | None = None


class Reply(Generic[T]):
    """Something to `await`. It cannot be used as a truth value, so `if not io.ask(...)` without `await` cannot fail open."""

    __slots__ = ("_arguments", "_function")

    def __init__(self, function: Callable[..., Awaitable[T]], *arguments: Any) -> None:
        self._function, self._arguments = function, arguments

    def __await__(self) -> Generator[Any, None, T]:
        return self._function(*self._arguments).__await__()

    def __bool__(self) -> NoReturn:
        raise TypeError("await it first: a reply that has not come is neither yes nor no")


class Peer(Struct, frozen=True):
    """What an authenticator judges: only what the other side showed, never one of our keys.

    `confirm(question, otherwise)`, when awaited, asks the person at the terminal and returns True or False. If nobody can be
    asked it raises `UnknownPeer`, and `otherwise` says which option would have given the answer in advance. `say` shows a
    sentence. `binding` is set once the handshake is complete; it is unique to this conversation and this authenticator.
    """

    role: Role
    address: str
    identity: Identity
    ask: Callable[[str, str], Awaitable[bool]]
    binding: bytes = b""
    say: Callable[[str], None] = lambda sentence: None

    def confirm(self, question: str, otherwise: str = "") -> Reply[bool]:
        """Ask the person at the terminal. Raises UnknownPeer, when awaited, if nobody can be asked."""
        return Reply(self.ask, question, otherwise)


@cache
def copies_keys(new: Callable[[bytearray], Any], size: int) -> bool:
    """Whether an AEAD made by `new` copies its key of `size` bytes, so that ours can be overwritten. Not every build of
    `cryptography` does.
    """
    key, nonce = bytearray(size), bytes(12)
    aead = new(key)
    before = aead.encrypt(nonce, b"", None)
    key[0] = 1
    return bool(aead.encrypt(nonce, b"", None) == before)


def wipe(*secrets: bytearray) -> None:
    """Overwrite secrets: Python frees memory without clearing it."""
    for secret in secrets:
        secret[:] = bytes(len(secret))
