"""A hostile public key: one that is easy to break."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Takeover
from plytalk.lab.attacks.interceptor import NO_LIMIT, Interceptor
from plytalk.lab.attacks.run import Evidence

Public = RSAPublicKey | Ed25519PublicKey


def short() -> tuple[str, Public]:
    return "an RSA key of 1024 bits", generate_private_key(65537, 1024).public_key()  # noqa: S505 - weak on purpose


def small_exponent() -> tuple[str, Public]:
    numbers = generate_private_key(65537, 2048).public_key().public_numbers()
    return "an RSA key with the exponent 3", RSAPublicNumbers(3, numbers.n).public_key()


def other_algorithm() -> tuple[str, Public]:
    return "an Ed25519 key", Ed25519PrivateKey.generate().public_key()


MAKERS: tuple[Callable[[], tuple[str, Public]], ...] = (short, small_exponent, other_algorithm)


class HostileKey(Takeover):
    """Poses as a server whose RSA key is too short, has a small exponent or is not an RSA key: the seed draws which.

    A session key under a key that can be broken is published.
    """

    name = "hostile-key"
    row = "A13"
    reference = "FREAK, CVE-2015-0204"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._make = MAKERS[seed % len(MAKERS)]
        self._got = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.name == "rsa"

    async def take(self, interceptor: Interceptor) -> None:
        leg = interceptor.leg(Role.RESPONDER)
        what, key = self._make()
        interceptor.log(f"showed the client {what}")
        await leg.io.send(b"K", key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        await leg.io.receive(b"S", NO_LIMIT)
        self._got = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._got


@hookimpl
def layers() -> list[type[HostileKey]]:
    return [HostileKey]
