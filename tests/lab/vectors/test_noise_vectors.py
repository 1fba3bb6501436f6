"""Vectors are what other implementations take them for: each message is made again by an engine with the vector's keys alone."""

import json

import pytest
from noise.connection import Keypair, NoiseConnection

from plytalk.core.contracts.errors import Usage
from plytalk.lab.vectors.noise_vectors import SIDES, Vector, noise_vector
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.noise.seeded import seeded_protocol

NAMES = (
    "Noise_XX_25519_ChaChaPoly_SHA256",
    "Noise_NNpsk0_448_AESGCM_BLAKE2b",
    "Noise_KK_25519_AESGCM_SHA512",
    "Noise_IK_25519_ChaChaPoly_BLAKE2s",
    "Noise_Xpsk1_25519_ChaChaPoly_SHA256",
    "Noise_N_25519_AESGCM_SHA256",
)
HYBRID = "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"


def other_engine(vector: Vector, side: str) -> NoiseConnection:
    noise = NoiseConnection.from_name(vector["protocol_name"].encode())
    (noise.set_as_initiator if side == "init" else noise.set_as_responder)()
    noise.set_prologue(bytes.fromhex(vector[f"{side}_prologue"]))
    if psks := vector.get(f"{side}_psks"):
        noise.set_psks(psks=[bytes.fromhex(psk) for psk in psks])
    for name, keypair in (("static", Keypair.STATIC), ("ephemeral", Keypair.EPHEMERAL)):
        if key := vector.get(f"{side}_{name}"):
            noise.set_keypair_from_private_bytes(keypair, bytes.fromhex(key))
    if key := vector.get(f"{side}_remote_static"):
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, bytes.fromhex(key))
    noise.start_handshake()
    return noise


@pytest.mark.filterwarnings("ignore:One of ephemeral keypairs")
@pytest.mark.parametrize("name", NAMES)
def test_another_implementation_makes_the_same_messages(name: str) -> None:
    vector = noise_vector(name, seed=7, number=0)
    sides = [other_engine(vector, side) for side in SIDES]
    one_way = named(name).pattern.one_way
    for index, message in enumerate(vector["messages"]):
        writer, reader = sides if one_way or index % 2 == 0 else sides[::-1]
        payload, ciphertext = (bytes.fromhex(message[part]) for part in ("payload", "ciphertext"))
        if writer.handshake_finished:
            assert writer.encrypt(payload) == ciphertext
            assert reader.decrypt(ciphertext) == payload
        else:
            assert writer.write_message(payload) == ciphertext
            assert reader.read_message(ciphertext) == payload
            last = index
    assert sides[0].get_handshake_hash().hex() == vector["handshake_hash"]
    assert last == len(named(name).pattern.messages) - 1


def test_a_vector_with_a_kem_holds_all_that_makes_it_again() -> None:
    vector = noise_vector(HYBRID, seed=3, number=1)
    protocol = named(HYBRID)
    sides = []
    for side in SIDES:

        def draw(purpose: str, size: int, side: str = side) -> bytes:
            value = bytes.fromhex(vector[f"{side}_{purpose}"])
            assert len(value) == size
            return value

        static = protocol.dh.load(bytes.fromhex(vector[f"{side}_static"]))
        prologue = bytes.fromhex(vector[f"{side}_prologue"])
        sides.append(HandshakeState(seeded_protocol(protocol, draw), initiator=side == "init", prologue=prologue, s=static))
    for index, message in enumerate(vector["messages"][:3]):
        writer, reader = sides if index % 2 == 0 else sides[::-1]
        assert writer.write_message(bytes.fromhex(message["payload"])).hex() == message["ciphertext"]
        assert reader.read_message(bytes.fromhex(message["ciphertext"])).hex() == message["payload"]
    assert {side.split().handshake_hash.hex() for side in sides} == {vector["handshake_hash"]}
    assert len(bytes.fromhex(vector["messages"][0]["ciphertext"])) == 32 + 1184 + 16


@pytest.mark.parametrize("name", [*NAMES, HYBRID])
def test_the_same_seed_gives_the_same_vector(name: str) -> None:
    first, again = (json.dumps(noise_vector(name, 5, 2)) for _ in range(2))
    assert first == again
    assert json.dumps(noise_vector(name, 6, 2)) != first
    assert json.dumps(noise_vector(name, 5, 3)) != first


def test_a_protocol_that_continues_another_handshake_has_no_vector() -> None:
    with pytest.raises(Usage, match="continues a handshake that failed"):
        noise_vector("Noise_XXfallback_25519_AESGCM_SHA256", 0, 0)
