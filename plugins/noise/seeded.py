"""Noise without randomness: key pairs and encapsulations from bytes that the caller draws. Only for the lab's vectors.

With these a handshake protects nothing, since anyone who knows the seed knows every secret. `cryptography` encapsulates with
its own randomness only, so that ML-KEM's `Encaps_internal` (FIPS 203, algorithm 17) is kyber-py's here.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from msgspec.structs import asdict, replace

from plytalk.core.contracts.errors import HandshakeFailed, Usage
from plytalk.plugins.noise.primitives import DH, KEM, KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol
from plytalk.trust.identity import OwnIdentity

CLOCK = 1_800_000_000.0
"""The time that seeded handshakes use for signatures, in seconds since 1970: 2027-01-15."""
KEM_SEED, KEM_RANDOMNESS = 64, 32
"""Bytes: d and z of ML-KEM.KeyGen_internal, and m of ML-KEM.Encaps_internal (FIPS 203)."""

DrawBytes = Callable[[str, int], bytes]
"""Returns this many bytes for a purpose: `ephemeral`, `static`, `identity`, `kem_seed`, `kem_randomness`."""


def seeded_protocol(protocol: NoiseProtocol, draw: DrawBytes) -> NoiseProtocol:
    """Return the same protocol with ephemeral keys and encapsulations from `draw`."""

    class SeededDH(DH):
        def generate_keypair(self) -> KeyPair:
            return self.load(draw("ephemeral", self.dhlen))

    class SeededKEM(KEM, frozen=True):
        def generate_keypair(self) -> KeyPair:
            private = MLKEM768PrivateKey.from_seed_bytes(draw("kem_seed", KEM_SEED))
            return KeyPair(private, private.public_key().public_bytes_raw())

        def encapsulate(self, public: bytes) -> tuple[bytes, bytes]:
            try:
                secret, ciphertext = _kyber()._encaps_internal(public, draw("kem_randomness", KEM_RANDOMNESS))
            except ValueError as error:
                raise HandshakeFailed(f"The other side's {self.name} key is malformed.") from error
            return ciphertext, secret

    kem = SeededKEM(**asdict(protocol.kem)) if protocol.kem else None
    return replace(protocol, dh=SeededDH(**asdict(protocol.dh)), kem=kem)


def seeded_identity(draw: DrawBytes) -> OwnIdentity:
    """Return a long-lived identity from `draw`."""
    return OwnIdentity(Ed25519PrivateKey.from_private_bytes(draw("identity", 32)))


def _kyber() -> Any:
    """Return kyber-py's ML-KEM-768. Raises Usage if it is not installed."""
    try:
        from kyber_py.ml_kem import ML_KEM_768
    except ImportError:
        raise Usage("Vectors of ML-KEM need the package kyber-py.", "Install it: pip install kyber-py.") from None
    return ML_KEM_768
