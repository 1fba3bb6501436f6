"""Differential: our engine against two that are not ours, on random conversations, in both roles."""

import importlib
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from plytalk.core.errors import HandshakeFailed
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.patterns import PATTERNS
from plytalk.plugins.noise.primitives import KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol, named

CONVERSATIONS = 1500  # of each peer
ROUNDS = 10


@dataclass
class Scene:
    """What both sides of one conversation are given. The peer's static key is given as bytes, ours as a key pair."""

    protocol: NoiseProtocol
    we_begin: bool
    prologue: bytes
    psks: list[bytes]
    ours: KeyPair | None
    our_public: bytes | None
    theirs: bytes | None
    their_public: bytes | None


class NoiseProtocolPeer:
    """PyPI's noiseprotocol."""

    def __init__(self, scene: Scene) -> None:
        noise = pytest.importorskip("noise.connection", reason="needs noiseprotocol: pip install plytalk[test]")
        static, remote_static = noise.Keypair.STATIC, noise.Keypair.REMOTE_STATIC
        self.connection = noise.NoiseConnection.from_name(scene.protocol.name.encode())
        self.connection.set_prologue(scene.prologue)
        if scene.psks:
            self.connection.set_psks(psks=scene.psks)
        if scene.theirs:
            self.connection.set_keypair_from_private_bytes(static, scene.theirs)
        if scene.our_public:
            self.connection.set_keypair_from_public_bytes(remote_static, scene.our_public)
        self.connection.set_as_responder() if scene.we_begin else self.connection.set_as_initiator()
        self.connection.start_handshake()

    def write(self, payload: bytes) -> bytes:
        return bytes(self.connection.write_message(payload))

    def read(self, message: bytes) -> bytes:
        return bytes(self.connection.read_message(message))

    @property
    def handshake_hash(self) -> bytes:
        return bytes(self.connection.get_handshake_hash())

    def seal(self, data: bytes) -> bytes:
        return bytes(self.connection.encrypt(data))

    def open(self, data: bytes) -> bytes:
        return bytes(self.connection.decrypt(data))

    def rekey_sending(self) -> None:
        self.connection.rekey_outbound_cipher()

    def rekey_receiving(self) -> None:
        self.connection.rekey_inbound_cipher()


class DissononcePeer:
    """PyPI's dissononce."""

    def __init__(self, scene: Scene) -> None:
        pytest.importorskip("dissononce", reason="needs dissononce: pip install plytalk[test]")
        _, pattern_name, dh, cipher, hash_name = scene.protocol.name.split("_")
        base, *places = pattern_name.replace("+", "").split("psk")
        pattern = handshake_pattern(base)
        for place in places:
            pattern = part("processing.modifiers.psk", "PSKPatternModifier")(int(place)).modify(pattern)
        functions = part(f"dh.x{dh}.x{dh}", f"X{dh}DH")()
        self.symmetric = part("processing.impl.symmetricstate", "SymmetricState")(
            part("processing.impl.cipherstate", "CipherState")(part(f"cipher.{cipher.lower()}", f"{cipher}Cipher")()),
            part(f"hash.{hash_name.lower()}", f"{hash_name.replace('BLAKE', 'Blake')}Hash")(),
        )
        static = functions.generate_keypair(private_key(dh, scene.theirs)) if scene.theirs else None
        remote = functions.create_public(scene.our_public) if scene.our_public else None
        self.handshake = part("processing.impl.handshakestate", "HandshakeState")(self.symmetric, functions)
        self.handshake.initialize(pattern, not scene.we_begin, scene.prologue, s=static, rs=remote, psks=scene.psks or None)
        assert self.handshake.protocol_name == scene.protocol.name
        self.begins = not scene.we_begin

    def write(self, payload: bytes) -> bytes:
        message = bytearray()
        self._end(self.handshake.write_message(payload, message))
        return bytes(message)

    def read(self, message: bytes) -> bytes:
        payload = bytearray()
        self._end(self.handshake.read_message(message, payload))
        return bytes(payload)

    def _end(self, states: Any) -> None:
        if states:
            self.sending, self.receiving = states if self.begins else reversed(states)

    @property
    def handshake_hash(self) -> bytes:
        return bytes(self.symmetric.get_handshake_hash())

    def seal(self, data: bytes) -> bytes:
        return bytes(self.sending.encrypt_with_ad(b"", data))

    def open(self, data: bytes) -> bytes:
        return bytes(self.receiving.decrypt_with_ad(b"", data))

    def rekey_sending(self) -> None:
        rekey_and_count_on(self.sending)

    def rekey_receiving(self) -> None:
        rekey_and_count_on(self.receiving)


def rekey_and_count_on(state: Any) -> None:
    """dissononce's own rekey() does not cut the new key to 32 bytes (4.2), and starts to count anew (11.3)."""
    count = state._nonce
    state.initialize_key(state.cipher.rekey(state._key)[:32])
    state.set_nonce(count)


def part(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"dissononce.{module}"), name)


def private_key(dh: str, raw: bytes) -> Any:
    return part(f"dh.x{dh}.private", "PrivateKey")(raw)


def handshake_pattern(name: str) -> Any:
    kind = "oneway" if len(name) == 1 else "deferred" if "1" in name else "interactive"
    return part(f"processing.handshakepatterns.{kind}.{name}", f"{name}HandshakePattern")()


def scene(chance: random.Random, patterns: list[str]) -> Scene:
    base = PATTERNS[chance.choice(patterns)]
    places = [place for place in range(len(base.messages) + 1) if chance.random() < 0.25]
    if places[:2] == [0, 1]:  # dissononce has no two PSKs in one message
        places.remove(chance.choice([0, 1]))
    dh = chance.choice(["25519", "25519", "25519", "448"])
    suite = f"{dh}_{chance.choice(['ChaChaPoly', 'AESGCM'])}_{chance.choice(['SHA256', 'SHA512', 'BLAKE2s', 'BLAKE2b'])}"
    protocol = named(f"Noise_{base.name}{'+'.join(f'psk{place}' for place in places)}_{suite}")
    we_begin = chance.random() < 0.5
    ours, theirs = protocol.pattern.needs(we_begin), protocol.pattern.needs(not we_begin)
    our_static, their_static = (chance.randbytes(protocol.dh.dhlen) for _ in range(2))
    our_pair, their_pair = protocol.dh.load(our_static), protocol.dh.load(their_static)
    return Scene(
        protocol,
        we_begin,
        chance.randbytes(chance.choice([0, 1, 20, 200])),
        [chance.randbytes(32) for _ in places],
        our_pair if "s" in ours else None,
        our_pair.public if "rs" in theirs else None,
        their_static if "s" in theirs else None,
        their_pair.public if "rs" in ours else None,
    )


def payload(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice([0, 1, 5, 64, 300]))


def converse(chance: random.Random, scene: Scene, peer: Any) -> None:
    us = HandshakeState(
        scene.protocol, initiator=scene.we_begin, prologue=scene.prologue, s=scene.ours, rs=scene.their_public, psks=scene.psks
    )
    while not us.complete:
        sent = payload(chance)
        received = peer.read(us.write_message(sent)) if us.my_turn else us.read_message(peer.write(sent))
        assert received == sent
    keys = us.split()
    assert keys.handshake_hash == peer.handshake_hash
    for count in range(6):
        sent = payload(chance)
        if scene.we_begin or not scene.protocol.pattern.one_way:
            assert peer.open(keys.send.encrypt_with_ad(b"", sent)) == sent
        if not scene.we_begin or not scene.protocol.pattern.one_way:
            assert keys.receive.decrypt_with_ad(b"", peer.seal(sent)) == sent
        if count == 2 and not scene.protocol.pattern.one_way:
            keys.send.rekey()
            peer.rekey_receiving()
            peer.rekey_sending()
            keys.receive.rekey()


@pytest.fixture
def quiet() -> Any:
    """dissononce logs every token, keys included, at DEBUG and INFO: not here."""
    logger = logging.getLogger("dissononce")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


NO_DEFERRED = [name for name in PATTERNS if "1" not in name]  # noiseprotocol knows no deferred patterns


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize(
    ("peer", "patterns"),
    [(NoiseProtocolPeer, NO_DEFERRED), (DissononcePeer, list(PATTERNS))],
    ids=["noiseprotocol", "dissononce"],
)
@pytest.mark.usefixtures("quiet")
def test_random_conversations(peer: Callable[[Scene], Any], patterns: list[str], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(CONVERSATIONS // ROUNDS):
        it = scene(chance, patterns)
        try:
            converse(chance, it, peer(it))
        except BaseException as error:
            error.add_note(f"in {it.protocol.name}, {'we' if it.we_begin else 'they'} begin, seed {seed}")
            raise


@pytest.mark.parametrize("peer", [NoiseProtocolPeer, DissononcePeer])
@pytest.mark.usefixtures("quiet")
def test_another_prologue_is_noticed(peer: Callable[[Scene], Any]) -> None:
    protocol = named("Noise_XX_25519_ChaChaPoly_SHA256")
    ours, theirs = protocol.dh.generate_keypair(), bytes(range(32))
    them = peer(Scene(protocol, True, b"the prologue they know", [], ours, None, theirs, None))
    us = HandshakeState(protocol, initiator=True, prologue=b"the prologue we know", s=ours)
    them.read(us.write_message())
    with pytest.raises(HandshakeFailed, match="message 2 does not decrypt"):
        us.read_message(them.write(b""))
