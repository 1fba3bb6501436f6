"""Protocol names (section 8) and what they mean."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise import patterns
from plytalk.plugins.noise.patterns import Pattern
from plytalk.plugins.noise.primitives import CIPHERS, DH, DHS, HASHES, KEM, KEMS, MLKEM768, CipherFunctions, Hash

MAX_NAME = 255  # bytes, section 8

Function = TypeVar("Function")


class NoiseProtocol(Struct, frozen=True):
    """A handshake pattern and the functions it runs on. The name alone is hashed; `kem` is None without `hfs`."""

    name: str
    pattern: Pattern
    dh: DH
    kem: KEM | None
    cipher: CipherFunctions
    hash: Hash


@lru_cache(maxsize=256)
def named(name: str) -> NoiseProtocol:
    """What a name such as `Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256` means.

    Raises Usage where the name is none, or where a part of it is unknown.
    """
    parts = name.split("_")
    if len(name) > MAX_NAME or len(parts) != 5 or parts[0] != "Noise":
        raise Usage(f"{name[:MAX_NAME]!r} is not a Noise protocol name.", "One is Noise_XX_25519_ChaChaPoly_SHA256.")
    _, pattern_name, dh_name, cipher_name, hash_name = parts
    pattern = patterns.named(pattern_name)
    dh_name, plus, kem_name = dh_name.partition("+")
    if bool(plus) != pattern.kem:  # hfs section 5: the KEM follows the DH functions, with that modifier only
        raise Usage(f"In {name!r}, the modifier hfs and a KEM such as +MLKEM768 must come together.")
    return NoiseProtocol(
        name,
        pattern,
        _choose("DH functions", dh_name, DHS),
        _choose("KEM", kem_name, KEMS) if plus else None,
        _choose("cipher", cipher_name, CIPHERS),
        _choose("hash", hash_name, HASHES),
    )


def interactive(pattern: str, suite: str) -> NoiseProtocol:
    """The protocol of a pattern in which both sides speak, and of the rest of a protocol name (for `hfs`, +MLKEM768 is put in).

    Raises Usage as `named` does, for one-way patterns (7.4), and for `fallback`, which continues another handshake (10.2).
    """
    shape = patterns.named(pattern)
    if shape.one_way:
        raise Usage(f"The pattern {pattern} is one-way: only the client could ever speak.", "Choose one with two letters.")
    if "e" in shape.initiator_pre + shape.responder_pre:
        raise Usage(f"The pattern {pattern} continues a handshake that failed, and there is none.", "Leave out `fallback`.")
    dh, _, rest = suite.partition("_")
    return named(f"Noise_{pattern}_{dh}{f'+{MLKEM768.name}' if shape.kem and '+' not in dh else ''}_{rest}")


def _choose(kind: str, name: str, known: Mapping[str, Function]) -> Function:
    if name not in known:
        raise Usage(f"No {kind} {name!r} in Noise as spoken here.", f"Known are {', '.join(known)}.")
    return known[name]
