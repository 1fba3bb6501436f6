"""Differential: our engine against two that are not ours, on random conversations, in both roles."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from live.noises import DissononcePeer, NoiseProtocolPeer, Scene, quiet

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.patterns import PATTERNS
from plytalk.plugins.noise.patterns import named as pattern_named
from plytalk.plugins.noise.protocol import named

CONVERSATIONS = 1500  # of each peer
ROUNDS = 10


def scene(chance: random.Random, patterns: list[str]) -> Scene:
    base = pattern_named(chance.choice(patterns))
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


@pytest.fixture(autouse=True)
def no_keys_in_logs() -> Iterator[None]:
    with quiet():
        yield


NO_DEFERRED = [name for name in PATTERNS if "1" not in name]  # noiseprotocol knows no deferred patterns


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize(
    ("peer", "patterns"),
    [(NoiseProtocolPeer, NO_DEFERRED), (DissononcePeer, list(PATTERNS))],
    ids=["noiseprotocol", "dissononce"],
)
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
def test_another_prologue_is_noticed(peer: Callable[[Scene], Any]) -> None:
    protocol = named("Noise_XX_25519_ChaChaPoly_SHA256")
    ours, theirs = protocol.dh.generate_keypair(), bytes(range(32))
    them = peer(Scene(protocol, True, b"the prologue they know", [], ours, None, theirs, None))
    us = HandshakeState(protocol, initiator=True, prologue=b"the prologue we know", s=ours)
    them.read(us.write_message())
    with pytest.raises(HandshakeFailed, match="message 2 does not decrypt"):
        us.read_message(them.write(b""))
