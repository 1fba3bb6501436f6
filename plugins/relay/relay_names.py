"""Names at a relay: numbers that are free, and keys whose holder proves that they have them."""

import re
from collections.abc import Collection
from itertools import count
from secrets import randbelow

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from plytalk.plugins.relay import relay_frames as wire
from plytalk.trust.identity import identity_key

MAX_NUMBER = 9999
NUMBER = re.compile("[1-9][0-9]{0,3}")


def free_number(taken: Collection[str], again: str = "") -> str:
    """Return a number that nobody holds: `again` if it is free, otherwise a random one, which is short while few are taken."""
    if again and again not in taken:
        return again
    top = 99 if len(taken) < 50 else MAX_NUMBER
    return next(name for name in (str(1 + randbelow(top)) for _ in count()) if name not in taken)


def proven_name(key: bytes, signature: bytes, nonce: bytes, asked: bytes, hosts: Collection[str]) -> str:
    """Return the name of a key if its signature is valid for one of the relay's hosts; otherwise an empty text.

    `asked` is what followed `H`: a key, which must be this one, or a number, or nothing for any number.
    """
    if len(asked) == wire.KEY and key != asked:
        return ""
    for host in hosts:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, wire.signed_text(host, nonce, asked))
            return identity_key(key).fingerprint
        except (InvalidSignature, ValueError):
            continue
    return ""
