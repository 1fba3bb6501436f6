"""A public key as OpenSSH writes it, whatever its algorithm, and its fingerprint.

The text is `TYPE BASE64`. The base64 holds a sequence of fields, each a 4-byte big-endian length and as many bytes (RFC 4251
section 5), the first of which repeats the type (RFC 4253 section 6.6). The fingerprint is the one of `ssh-keygen -l`.
"""

import base64
import binascii
import hashlib
import re
from functools import lru_cache

from msgspec import Struct

MAX_KEY = 1 << 14
"""The longest key, in bytes."""

_TYPE = re.compile(rb"[!-+\--~]{1,64}")  # RFC 4251 section 6: printable US-ASCII without a comma
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class PublicKey(Struct, frozen=True):
    """A well-formed key. `blob` is its decoded base64. Raises ValueError for anything else."""

    blob: bytes

    def __post_init__(self) -> None:
        fields = _split(self.blob)
        if len(fields) < 2 or not _TYPE.fullmatch(fields[0]):
            raise ValueError("it is not a public key")

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read `TYPE BASE64`. Raises ValueError."""
        name, _, encoded = text.partition(" ")
        try:
            key = cls(binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True))
        except (binascii.Error, UnicodeEncodeError):
            raise ValueError("the key is not base64") from None
        if key.type != name:
            raise ValueError("the key is of another type than its name says")
        return key

    @classmethod
    def of(cls, type: str, *fields: bytes) -> "PublicKey":
        """Make a key from its type and its fields. Raises ValueError."""
        return cls(b"".join(len(field).to_bytes(4, "big") + field for field in (type.encode("ascii"), *fields)))

    @property
    def type(self) -> str:
        """The name of the algorithm, as in `ssh-keygen -t`'s lines."""
        return _split(self.blob)[0].decode("ascii")

    @property
    def fields(self) -> tuple[bytes, ...]:
        """The fields after the type."""
        return _split(self.blob)[1:]

    @property
    def digest(self) -> bytes:
        """The 32 bytes of its SHA-256."""
        return hashlib.sha256(self.blob).digest()

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and 43 characters, exactly as `ssh-keygen -l` shows it."""
        return fingerprint_of(self.digest)

    def __str__(self) -> str:
        """`TYPE BASE64`."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    def __repr__(self) -> str:
        return f"PublicKey({self.type} {self.fingerprint})"


@lru_cache(128)
def fingerprint_of(digest: bytes) -> str:
    """Return a fingerprint as text, from its 32 bytes."""
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def parse_fingerprint(text: str) -> str:
    """Check that a text is a whole fingerprint, never a part of one, and return it. Raises ValueError."""
    if not _FINGERPRINT.fullmatch(text) or not _canonical(text.removeprefix("SHA256:")):
        raise ValueError("a fingerprint is SHA256: and 43 characters, as `ssh-keygen -l` shows it")
    return text


def _canonical(encoded: str) -> bool:
    return base64.b64encode(base64.b64decode(encoded + "=")).decode() == encoded + "="


@lru_cache(16)
def _split(blob: bytes) -> tuple[bytes, ...]:
    if len(blob) > MAX_KEY:
        raise ValueError(f"the key has more than {MAX_KEY} bytes")
    fields, at = [], 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if at + 4 > len(blob) or end > len(blob):
            raise ValueError("the key is cut off")
        fields.append(blob[at + 4 : end])
        at = end
    return tuple(fields)
