"""This user's long-lived identity: an Ed25519 key (RFC 8032) in OpenSSH's private key format (PROTOCOL.key).

The only place that says which algorithm identities use. The key is read when needed, used through `sign`, and shown by nothing:
not by `repr`, not by `pickle`, not in a forked child.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from plytalk.core.contracts.errors import LocalError
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.files import read, write_new
from plytalk.trust.plain_key import plain_key
from plytalk.trust.store_errors import FileExists, StoreError

KEY_TYPE = "ssh-ed25519"
KEY_BYTES = 32
SIGNATURE_BYTES = 64

Ask = Callable[[Path], str]
"""Asks somebody for the passphrase of a file."""

_PRIME = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_LOW_ORDER = {0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8}  # the y of the curve's eight points of small order


class WrongPassphrase(StoreError):
    """The passphrase is wrong."""


class OtherProcess(LocalError):
    """An identity was used in another process than the one that loaded it."""


class OwnIdentity:
    """A private key that can sign, in the process that made it, and nothing else."""

    __slots__ = ("_key", "_process", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._process = os.getpid()
        self.public: PublicKey = identity_key(key.public_key().public_bytes_raw())

    @property
    def fingerprint(self) -> str:
        """`SHA256:...`, exactly as `ssh-keygen -l` shows it."""
        return self.public.fingerprint

    def public_line(self, comment: str = "plytalk") -> str:
        """`ssh-ed25519 AAAA... comment`, for another person's `allow` file or for `ssh-keygen`. Raises ValueError."""
        if not comment.isprintable():
            raise ValueError("a comment is one line of text")
        return f"{self.public} {comment}".rstrip()

    def sign(self, message: bytes) -> bytes:
        """Sign: 64 bytes (RFC 8032 section 5.1.6). Raises OtherProcess in a forked child."""
        if os.getpid() != self._process:
            raise OtherProcess("This identity belongs to the process that loaded it, not to its child.")
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"Identity({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an identity is neither copied nor pickled")


def load(path: Path, ask: Ask | None = None) -> OwnIdentity:
    """Read an identity; a passphrase is asked for only if the file needs one.

    Raises StoreError (Exposed if others can read the file), WrongPassphrase.
    """
    content = read(path, secret=True)
    if content is None:
        raise StoreError(f"There is no identity in {path}.", "`chat keys new` creates one.")
    try:
        key = _private_key(content, path, ask)
    except UnsupportedAlgorithm:
        raise _no_passphrases() from None
    except ValueError:
        raise StoreError(f"{path} holds no private key in OpenSSH's format, or a damaged one.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path} holds a key of another type; identities are {KEY_TYPE}.", "`chat keys new` creates one.")
    return OwnIdentity(key)


def create(path: Path, passphrase: str = "") -> OwnIdentity:
    """Make a new identity and keep it, 0600, under a passphrase unless that is empty.

    Raises StoreError, also if the file exists.
    """
    try:
        return _create(path, passphrase)
    except FileExists:
        raise StoreError(f"{path} exists already.", "Move it away first: without it, others cannot recognise you.") from None


def load_or_create(path: Path, ask: Ask | None = None) -> tuple[OwnIdentity, bool]:
    """The identity in a file, and whether it had to be made (without a passphrase). Raises as `load` and `create`."""
    if not os.path.lexists(path):
        with suppress(FileExists):  # another process has just made it
            return _create(path, ""), True
    return load(path, ask), False


def made_known(own: OwnIdentity, new: bool) -> list[str]:
    """What is said of an identity that was made, in one row of 80 columns: `chat keys show` says where it is kept."""
    return [f"Created a new identity ({own.public.fingerprint})."] if new else []


@lru_cache(16)
def identity_key(raw: bytes) -> PublicKey:
    """The public key of an identity from its 32 bytes. Raises ValueError for a point nobody honest would use.

    Refused: another length, a number not reduced (RFC 8032 section 5.1.3), points of small order, for which a signature that
    fits every message can be written down.
    """
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if len(raw) != KEY_BYTES or y >= _PRIME or y in _LOW_ORDER:
        raise ValueError(f"this is not an {KEY_TYPE} public key")
    return PublicKey.of(KEY_TYPE, raw)


def raw_key(key: PublicKey) -> bytes:
    """The 32 bytes of an identity's public key. Raises ValueError for a key of another type."""
    raw = key.blob[-KEY_BYTES:]
    if identity_key(raw) != key:
        raise ValueError(f"this is not an {KEY_TYPE} public key")
    return raw


def verify(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether an identity signed a message (RFC 8032 section 5.1.7). Raises ValueError for a key of another type."""
    try:
        Ed25519PublicKey.from_public_bytes(raw_key(key)).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _private_key(content: bytes, path: Path, ask: Ask | None) -> object:
    if key := plain_key(content):
        return key
    from cryptography.hazmat.primitives import serialization

    try:
        return serialization.load_ssh_private_key(content, None)
    except TypeError:  # so the library says that a passphrase is needed
        if ask is None:
            raise StoreError(f"{path} needs a passphrase, and nobody can be asked.", "Start from a terminal.") from None
    try:
        return serialization.load_ssh_private_key(content, ask(path).encode())
    except (ValueError, TypeError):  # TypeError: an empty one
        raise WrongPassphrase(f"The passphrase does not open {path}.", "If it is the right one, the file is damaged.") from None


def _create(path: Path, passphrase: str) -> OwnIdentity:
    from cryptography.hazmat.primitives import serialization

    key = Ed25519PrivateKey.generate()
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    try:
        content = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock)
    except UnsupportedAlgorithm:
        raise _no_passphrases() from None
    write_new(path, content, make_parents=True)
    return OwnIdentity(key)


def _no_passphrases() -> StoreError:
    return StoreError("Passphrases need the package `bcrypt`, which is not installed.", "`pip install bcrypt`")
