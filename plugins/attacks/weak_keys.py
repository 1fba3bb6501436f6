"""Weak keys: show keys that are easy to break, and ask a server about wrong ones."""

import asyncio
import os
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from plytalk.core.bases.attacking import Takeover, wait_at_most
from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, Interceptor, Target
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor

Public = RSAPublicKey | Ed25519PublicKey
PUBLIC_KEY, SESSION_KEY = b"K", b"S"
LONGEST_KEY = 64 * KIB
PATIENCE = 2.0
"""Seconds in which the server may still answer or hang up."""


# -- keys that are easy to break -----------------------------------------------------------------------------------------------


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

    A session key that is encrypted to a key which can be broken is public.
    """

    name = "hostile-key"
    threat = "A13"
    reference = "FREAK, CVE-2015-0204"
    target = Target.HANDSHAKE

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._make = MAKERS[seed % len(MAKERS)]
        self._received = False

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.name == "rsa"

    async def take_over(self, interceptor: Interceptor) -> None:
        io = (await interceptor.impersonate(Role.RESPONDER)).io
        description, key = self._make()
        interceptor.log(f"showed the client {description}")
        await io.send(PUBLIC_KEY, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        await io.receive(SESSION_KEY, LONGEST_KEY)
        self._received = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._received


class LowOrder(impostor.Posing):
    """Poses as a server whose public keys are points of low order, so that both X25519 results are known in advance.

    A peer that continues has agreed on a secret that everyone knows.
    """

    name = "low-order"
    threat = "A16"
    reference = "Cremers and Jackson 2019, Prime, Order Please"
    target = Target.HANDSHAKE

    async def take_over(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer((await interceptor.impersonate(Role.RESPONDER)).io)
        offer = await server.offered()
        interceptor.log("showed the client public keys of low order")
        await server.serve(offer.tokens[0], impostor.own_identity(), dh=impostor.LOW_ORDER)


class HollowKem(Takeover):
    """Poses as a client whose ML-KEM key has numbers that are too large.

    A key that is used without a check gives secrets that the attacker knows, or a crash.
    """

    name = "hollow-kem"
    threat = "A16"
    reference = "FIPS 203, section 7.2, the modulus check"
    target = Target.HANDSHAKE

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return impostor.speaks_plytalk1(stack) and Property.POST_QUANTUM in stack.gives

    async def take_over(self, interceptor: Interceptor) -> None:
        server, client = await impostor.both(interceptor)
        offer = await server.offered()
        interceptor.log("showed the server an ML-KEM key whose numbers are too large")
        await client.connect(offer.tokens, kem=impostor.HOLLOW)
        await client.finish(impostor.own_identity())

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.RESPONDER].opened


# -- an oracle -----------------------------------------------------------------------------------------------------------------


def malformed(public: RSAPublicKey) -> list[bytes]:
    """Eleven things that are not a sealed session key."""

    def oaep(content: bytes, hashing: HashAlgorithm, label: bytes | None = None) -> bytes:
        return public.encrypt(content, padding.OAEP(padding.MGF1(hashing), hashing, label))

    size, key = public.key_size // 8, os.urandom(32)
    good = oaep(key, SHA256())
    return [
        b"",
        bytes(size),
        b"\xff" * size,
        b"\0" + os.urandom(size - 1),
        good[:-1],
        good + b"\0",
        good[:-1] + bytes([good[-1] ^ 1]),
        oaep(key[:31], SHA256()),
        oaep(key, SHA256(), b"label"),
        oaep(key, SHA1()),  # noqa: S303 - wrong on purpose
        public.encrypt(key, padding.PKCS1v15()),
    ]


class OaepOracle(Attack):
    """Sends the server session keys that are wrong in eleven ways, each in a new conversation, and compares the answers.

    A difference of one bit, asked for about a million times, gives the session key of a recorded conversation.
    """

    name = "oaep-oracle"
    threat = "A12"
    reference = "Manger 2001; python-cryptography CVE-2020-25659"
    target = Target.HANDSHAKE

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._answers: set[tuple[bytes, bool]] = set()

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.name == "rsa"

    async def finish(self, interceptor: Interceptor) -> None:
        for number in range(len(malformed(generate_private_key(65537, 2048).public_key()))):
            self._answers.add(await self._ask(interceptor, number))
        interceptor.log(f"got {len(self._answers)} different answers to wrong session keys")

    @staticmethod
    async def _ask(interceptor: Interceptor, number: int) -> tuple[bytes, bool]:
        stream = await interceptor.connect()
        connection = await interceptor.impersonate(Role.INITIATOR, stream)
        public = load_pem_public_key(await connection.io.receive(PUBLIC_KEY, LONGEST_KEY))
        assert isinstance(public, RSAPublicKey)
        answer, over = bytearray(), asyncio.Event()
        stream.deliver_to(answer.extend, lambda error: over.set())
        stream.send(interceptor.encode(SESSION_KEY, malformed(public)[number]))
        hung_up = await wait_at_most(PATIENCE, over)
        stream.close()
        return bytes(answer), hung_up

    def succeeded(self, evidence: Evidence) -> bool:
        return len(self._answers) > 1


@hookimpl
def attacks() -> list[type[Attack]]:
    return [HostileKey, LowOrder, HollowKem, OaepOracle]
