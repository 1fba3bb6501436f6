"""The attacker's side of plytalk/1, for the lab. The caller decides what an honest side would decide or check.

`ImpostorServer` poses as the server to a client, and `ImpostorClient` as the client to a server. They do the steps of
plytalk.plugins.handshakes.plytalk1 one message at a time (docs/protocol.md).
"""

import time
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from plytalk.core.bases.attacking import Takeover
from plytalk.core.contracts.attack import AttackedStack, Evidence, Interceptor
from plytalk.core.contracts.handshake import NegotiatingIO
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.peers import Role
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState, TransportState
from plytalk.plugins.noise.primitives import DH, KEM, MLKEM768, X25519, KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol, named
from plytalk.trust.identity import KEY_BYTES, OwnIdentity

GREETING, A, B, C = b"P", b"A", b"B", b"C"
ROOM = 8 * KIB
LET_IN = bytes(64)
"""The plaintext of a first record that lets the client in (docs/protocol.md, section 3)."""
FOREIGN = ("Noise_XX_25519_ChaChaPoly_BLAKE2s",)
"""A suite that plytalk/1 neither offers nor knows."""

Show = Callable[[bytes], bytes]
"""Returns the identity payload for a static public key."""


def speaks_plytalk1(stack: AttackedStack) -> bool:
    """Whether the stack speaks plytalk/1."""
    return stack.handshake.name == "plytalk1"


def own_identity() -> Show:
    """Return a valid payload with the attacker's own identity."""
    identity = OwnIdentity(Ed25519PrivateKey.generate())
    return lambda static: payload.encode(identity, static, time.time())


def renamed(own: bytes, other: bytes) -> bytes:
    """Return the payload `own` with the public key of `other`."""
    start = len(payload.HEAD)
    return own[:start] + other[start : start + KEY_BYTES] + own[start + KEY_BYTES :]


class _LowOrder(DH):
    """X25519 with public keys of zeros: every shared secret is zeros, for both sides."""

    def generate_keypair(self) -> KeyPair:
        return KeyPair(None, bytes(self.dhlen))

    def dh(self, pair: KeyPair, public: bytes) -> bytes:
        return bytes(self.dhlen) if pair.private is None else super().dh(pair, public)


class _Hollow(KEM, frozen=True):
    """A KEM with invalid public keys, whose coefficients all exceed the modulus. The shared secret is zeros."""

    def generate_keypair(self) -> KeyPair:
        return KeyPair(None, b"\xff" * self.publickeylen)

    def decapsulate(self, pair: KeyPair, ciphertext: bytes) -> bytes:
        return bytes(32)


LOW_ORDER = _LowOrder(X25519.name, X25519.dhlen, X25519.private_type, X25519.public_type)
HOLLOW = _Hollow(MLKEM768.name, MLKEM768.publickeylen, MLKEM768.ciphertextlen, MLKEM768.private_type, MLKEM768.public_type)


class ImpostorServer:
    """The attacker in the server's place."""

    def __init__(self, io: NegotiatingIO) -> None:
        self._io = io

    async def offered(self) -> preamble.Offer:
        """Receive the client's offer. Raises RemoteError."""
        self._offer = await self._io.receive(GREETING, preamble.MAX_BYTES)
        return preamble.Offer.decode(self._offer)

    async def refuse(self, known: Sequence[str]) -> None:
        """Choose none of the offered suites, and name the known ones."""
        await self._io.send(GREETING, preamble.Answer("", tuple(known)).encode())

    async def serve(self, suite: str, show: Show, dh: DH = X25519) -> TransportState:
        """Choose this suite and finish the handshake, after `offered`. Raises RemoteError if the client refuses."""
        answer = preamble.Answer(suite, (suite,)).encode()
        await self._io.send(GREETING, answer)
        static = X25519.generate_keypair()
        protocol = replace(named(preamble.suite(suite)), dh=dh)
        handshake = await begin(self._io, protocol, False, preamble.prologue(self._offer, answer), static)
        handshake.read_message(await self._io.receive(A, ROOM))
        await self._io.send(B, handshake.write_message(show(static.public)))
        handshake.read_message(await self._io.receive(C, ROOM))
        keys = handshake.split()
        await self._io.send(MESSAGE, keys.send.encrypt_with_ad(b"", LET_IN))
        return keys


class ImpostorClient:
    """The attacker in the client's place."""

    def __init__(self, io: NegotiatingIO) -> None:
        self._io = io

    async def connect(self, offer: Sequence[str], kem: KEM | None = None) -> bytes:
        """Offer these suites, and return the identity payload of the server. Raises RemoteError if the server refuses."""
        sent = preamble.Offer(tuple(offer)).encode()
        await self._io.send(GREETING, sent)
        reply = await self._io.receive(GREETING, preamble.MAX_BYTES)
        protocol = named(preamble.suite(preamble.Answer.decode(reply).chosen))
        if kem:
            protocol = replace(protocol, kem=kem)
        self._static = X25519.generate_keypair()
        self._handshake = await begin(self._io, protocol, True, preamble.prologue(sent, reply), self._static)
        await self._io.send(A, self._handshake.write_message())
        return self._handshake.read_message(await self._io.receive(B, ROOM))

    async def finish(self, show: Show) -> TransportState:
        """Show an identity and finish the handshake, after `connect`."""
        await self._io.send(C, self._handshake.write_message(show(self._static.public)))
        return self._handshake.split()


async def begin(io: NegotiatingIO, protocol: NoiseProtocol, initiator: bool, prologue: bytes, static: KeyPair) -> HandshakeState:
    """Begin the Noise handshake after the preambles, with the attacker's pre-shared key if the suite takes one."""
    psks = [await io.agree()] if protocol.pattern.psks else []
    return HandshakeState(protocol, initiator=initiator, prologue=prologue, s=static, psks=psks)


async def both(interceptor: Interceptor) -> tuple[ImpostorServer, ImpostorClient]:
    """Impersonate both sides. Return the server that the client talks to, and the client that the server talks to."""
    to_client, to_server = await interceptor.impersonate(Role.RESPONDER), await interceptor.impersonate(Role.INITIATOR)
    return ImpostorServer(to_client.io), ImpostorClient(to_server.io)


class Posing(Takeover):
    """An attack that poses as the server of plytalk/1. It succeeds if the client's conversation opens."""

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return speaks_plytalk1(stack)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.INITIATOR].opened
