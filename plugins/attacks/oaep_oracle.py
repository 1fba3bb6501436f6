"""An oracle: learn from how the server refuses."""

import asyncio
import os

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, set_within
from plytalk.lab.attacks.interceptor import NO_LIMIT, Interceptor, Leg
from plytalk.lab.attacks.run import Evidence

PATIENCE = 2.0


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
    """Sends the server session keys that are wrong in eleven ways, each in its own conversation, and compares the answers.

    One bit of difference, asked about a million times, is the session key of a recorded conversation.
    """

    name = "oaep-oracle"
    row = "A12"
    reference = "Manger 2001; python-cryptography CVE-2020-25659"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._answers: set[tuple[bytes, bool]] = set()

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.name == "rsa"

    async def after(self, interceptor: Interceptor) -> None:
        for number in range(len(malformed(generate_private_key(65537, 2048).public_key()))):
            self._answers.add(await self._ask(interceptor, number))
        interceptor.log(f"got {len(self._answers)} different answers to wrong session keys")

    @staticmethod
    async def _ask(interceptor: Interceptor, number: int) -> tuple[bytes, bool]:
        leg = Leg(interceptor.stack, stream := await interceptor.meet(), Role.INITIATOR, lambda role: None)
        public = load_pem_public_key(await leg.io.receive(b"K", NO_LIMIT))
        assert isinstance(public, RSAPublicKey)
        said, over = bytearray(), asyncio.Event()
        stream.deliver_to(said.extend, lambda error: over.set())
        stream.send(interceptor.encode(b"S", malformed(public)[number]))
        hung_up = await set_within(PATIENCE, over)
        stream.close()
        return bytes(said), hung_up

    def succeeded(self, evidence: Evidence) -> bool:
        return len(self._answers) > 1


@hookimpl
def layers() -> list[type[OaepOracle]]:
    return [OaepOracle]
