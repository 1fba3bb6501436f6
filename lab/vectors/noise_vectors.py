"""Vectors of a Noise protocol in the JSON form that Noise implementations share (cacophony's), and playing them.

For a KEM, which that form does not know, each side has what it drew as well: `init_kem_seed` (d and z of ML-KEM's key generation)
and `resp_kem_randomness` (m of its encapsulation; FIPS 203).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from plytalk.core.contracts.errors import Usage
from plytalk.lab.vectors.seeded_draws import SeededDraws
from plytalk.plugins.noise.engine import PSK_LENGTH, HandshakeState
from plytalk.plugins.noise.primitives import DH
from plytalk.plugins.noise.protocol import NoiseProtocol, named
from plytalk.plugins.noise.seeded import seeded_protocol

Vector = dict[str, Any]
TRANSPORT = 4
"""How many messages follow the handshake."""
SIDES = ("init", "resp")


def noise_vector(name: str, seed: int, number: int) -> Vector:
    """A vector of the protocol `name`. Raises Usage for an unknown one, and for one that continues a failed handshake."""
    protocol = named(name)
    if "e" in protocol.pattern.initiator_pre + protocol.pattern.responder_pre:
        raise Usage(f"{name} continues a handshake that failed, and a vector holds one handshake.", "Leave out `fallback`.")
    common = SeededDraws(seed, number, "both")
    draws = {side: SeededDraws(seed, number, side) for side in SIDES}
    prologue, psks = common("prologue", 16), [common("psk", PSK_LENGTH) for _ in range(protocol.pattern.psks)]
    sides = [
        seeded_side(protocol, draws[side], side == "init", prologue, psks, public(protocol.dh, draws[other]))
        for side, other in (SIDES, SIDES[::-1])
    ]
    vector: Vector = {"protocol_name": name}
    for side, other in (SIDES, SIDES[::-1]):
        vector |= written(protocol, side, draws[side], prologue, psks, public(protocol.dh, draws[other]))
    messages, handshake_hash = talk(sides[0], sides[1], common)
    for side in SIDES:  # what was drawn meanwhile
        for purpose in ("ephemeral", "kem_seed", "kem_randomness"):
            if drawn := draws[side].drawn.get(purpose):
                vector[f"{side}_{purpose}"] = drawn[0]
    return {**vector, "handshake_hash": handshake_hash, "messages": messages}


def public(dh: DH, draws: SeededDraws) -> bytes:
    """The public key of a side's static key, which is drawn at the first call."""
    drawn = draws.drawn.get("static")
    return dh.load(bytes.fromhex(drawn[0]) if drawn else draws("static", dh.dhlen)).public


def seeded_side(
    protocol: NoiseProtocol, draws: SeededDraws, initiator: bool, prologue: bytes, psks: Sequence[bytes], theirs: bytes
) -> HandshakeState:
    """One side, with the keys that its pattern asks for; the static keys have been drawn."""
    needs = protocol.pattern.needs(initiator)
    public(protocol.dh, draws)
    keys: dict[str, Any] = {"rs": theirs} if "rs" in needs else {}
    if "s" in needs:
        keys["s"] = protocol.dh.load(bytes.fromhex(draws.drawn["static"][0]))
    return HandshakeState(seeded_protocol(protocol, draws), initiator=initiator, prologue=prologue, psks=psks, **keys)


def written(
    protocol: NoiseProtocol, side: str, draws: SeededDraws, prologue: bytes, psks: Sequence[bytes], theirs: bytes
) -> Mapping[str, Any]:
    """What a side of a vector knows in advance, in the form that vectors have it."""
    needs = protocol.pattern.needs(side == "init")
    known: dict[str, Any] = {f"{side}_prologue": prologue.hex()}
    if psks:
        known[f"{side}_psks"] = [psk.hex() for psk in psks]
    if "s" in needs:
        known[f"{side}_static"] = draws.drawn["static"][0]
    if "rs" in needs:
        known[f"{side}_remote_static"] = theirs.hex()
    return known


def talk(initiator: HandshakeState, responder: HandshakeState, common: SeededDraws) -> tuple[list[Mapping[str, str]], str]:
    """The messages of a whole conversation, with their payloads, and the handshake hash."""
    messages: list[Mapping[str, str]] = []
    sides, one_way = (initiator, responder), initiator.protocol.pattern.one_way
    while not initiator.complete:
        writer, reader = sides if initiator.my_turn else sides[::-1]
        payload = common("payload", 16)
        messages.append({"payload": payload.hex(), "ciphertext": (message := writer.write_message(payload)).hex()})
        reader.read_message(message)
    last = len(messages)
    ours, theirs = initiator.split(), responder.split()
    for number in range(last, last + TRANSPORT):
        sender = ours if one_way or number % 2 == 0 else theirs
        payload = common("payload", 16)
        messages.append({"payload": payload.hex(), "ciphertext": sender.send.encrypt_with_ad(b"", payload).hex()})
    return messages, ours.handshake_hash.hex()
