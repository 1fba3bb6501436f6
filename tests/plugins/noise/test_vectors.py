"""Every public vector: each message is written by one of our sides, compared, and read by the other."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from msgspec.structs import asdict

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise.engine import HandshakeState, TransportState
from plytalk.plugins.noise.primitives import CHACHAPOLY, DH, KEM, MLKEM768, KeyPair
from plytalk.plugins.noise.protocol import named

XXHFS = Path(__file__).parents[2] / "vectors" / "xxhfs-mlkem768.json"

Read = Callable[[str], Any]
Vector = dict[str, Any]


def side(vector: Vector, name: str, scripted: Any, *, role: str, initiator: bool, **fallback: Any) -> HandshakeState:
    """One side, with those of the vector's keys that its pattern asks for."""
    secrets = {key: bytes.fromhex(vector[f"{role}_{key}"]) for key in ("ephemeral", "static") if f"{role}_{key}" in vector}
    protocol = scripted(name, None if "e" in fallback else secrets.get("ephemeral"))
    needs = protocol.pattern.needs(initiator)
    keys: dict[str, Any] = dict(fallback)
    if "s" in needs:
        keys["s"] = protocol.dh.load(secrets["static"])
    if "rs" in needs:
        keys["rs"] = bytes.fromhex(vector[f"{role}_remote_static"])
    psks = [bytes.fromhex(psk) for psk in vector.get(f"{role}_psks", ())]
    prologue = bytes.fromhex(vector[f"{role}_prologue"])
    return HandshakeState(protocol, initiator=initiator, prologue=prologue, psks=psks, **keys)


def exchange(
    vector: Vector,
    first: HandshakeState,
    second: HandshakeState,
    messages: list[dict[str, str]],
    turns: Sequence[int] | None = None,
) -> None:
    """The whole conversation, handshake and transport messages, alternating unless `turns` tells who sends each."""
    ends = (first, second)
    transports: tuple[TransportState, TransportState] | None = None
    for index, message in enumerate(messages):
        payload, ciphertext = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        turn = turns[index] if turns else 0 if first.protocol.pattern.one_way else index % 2
        writer, reader = ends[turn], ends[1 - turn]
        if transports is None:
            assert writer.write_message(payload) == ciphertext
            assert reader.read_message(ciphertext) == payload
            if first.complete:
                transports = first.split(), second.split()
        else:
            assert transports[turn].send.encrypt_with_ad(b"", payload) == ciphertext
            assert transports[1 - turn].receive.decrypt_with_ad(b"", ciphertext) == payload
    assert transports is not None
    hashes = {transport.handshake_hash.hex() for transport in transports}
    assert hashes == {vector.get("handshake_hash", min(hashes))}


def play_all(vectors: list[Vector], scripted: Any) -> Counter[str]:
    counted: Counter[str] = Counter()
    for vector in vectors:
        name = vector.get("protocol_name") or vector["name"]
        if name.startswith("NoisePSK_"):
            counted["skipped: obsolete naming NoisePSK_"] += 1
            continue
        initiator = side(vector, name, scripted, role="init", initiator=True)
        responder = side(vector, name, scripted, role="resp", initiator=False)
        exchange(vector, initiator, responder, vector["messages"])
        counted["played"] += 1
        counted["with a handshake hash"] += "handshake_hash" in vector
    return counted


def test_cacophony(vectors: Read, scripted: Any) -> None:
    counted = play_all(vectors("cacophony/cacophony.txt")["vectors"], scripted)
    assert counted == {"played": 944, "with a handshake hash": 944}


def test_snow(vectors: Read, scripted: Any) -> None:
    assert play_all(vectors("snow/snow.txt")["vectors"], scripted) == {"played": 408, "with a handshake hash": 0}


def test_several_psks(vectors: Read, scripted: Any) -> None:
    assert play_all(vectors("noiseprotocol-py/snow-multipsk.txt"), scripted) == {"played": 104, "with a handshake hash": 0}


def test_noise_c(vectors: Read, scripted: Any) -> None:
    assert play_all(vectors("noise-c/noise-c-basic.txt")["vectors"], scripted) == {
        "played": 240,
        "with a handshake hash": 240,
        "skipped: obsolete naming NoisePSK_": 240,
    }


def test_noise_c_fallback(vectors: Read, scripted: Any) -> None:
    """Alice begins an IK with a static key Bob no longer has; Bob answers with XXfallback, as its initiator (10.4)."""
    counted: Counter[str] = Counter()
    for vector in vectors("noise-c/noise-c-fallback.txt")["vectors"]:
        if vector["name"].startswith("NoisePSK_"):
            counted["skipped: obsolete naming NoisePSK_"] += 1
            continue
        name = vector["name"]
        zero_rtt = name.replace("XXfallback", "IK")
        attempt, *rest = vector["messages"]
        ciphertext = bytes.fromhex(attempt["ciphertext"])
        alice = side(vector, zero_rtt, scripted, role="init", initiator=True)
        assert alice.write_message(bytes.fromhex(attempt["payload"])) == ciphertext
        with pytest.raises(HandshakeFailed):
            side(vector, zero_rtt, scripted, role="resp", initiator=False).read_message(ciphertext)

        dh = named(name).dh
        ephemeral = dh.load(bytes.fromhex(vector["init_ephemeral"]))
        assert ciphertext[: dh.dhlen] == ephemeral.public
        bob = side(vector, name, scripted, role="resp", initiator=True, re=ciphertext[: dh.dhlen])
        alice = side(vector, name, scripted, role="init", initiator=False, e=ephemeral)
        exchange(vector, bob, alice, rest)
        counted["played"] += 1
    assert counted == {"played": 16, "skipped: obsolete naming NoisePSK_": 16}


FLYNN = Path("/usr/share/gocode/src/github.com/flynn/noise/vectors.txt")


def flynn_vectors() -> Iterator[dict[str, str]]:
    """The vectors of flynn/noise, as Debian packages them: one `name=value` on a line, an empty line between two."""
    if not FLYNN.is_file():
        pytest.skip("needs public Noise vectors: apt-get install golang-github-flynn-noise-dev")
    for block in FLYNN.read_text().split("\n\n"):
        if lines := [line for line in block.splitlines() if line and not line.startswith("#")]:
            yield dict(line.split("=", 1) for line in lines)


def as_vector(lines: dict[str, str], dh: DH) -> Vector:
    """One of them in the form of all the others, in which each side also has the other side's public key."""
    vector: Vector = {"messages": []}
    for role, other in (("init", "resp"), ("resp", "init")):
        vector[f"{role}_prologue"] = lines.get("prologue", "")
        vector[f"{role}_psks"] = [lines["preshared_key"]] if "preshared_key" in lines else []
        vector[f"{role}_ephemeral"] = lines[f"gen_{role}_ephemeral"]
        if f"{role}_static" in lines:
            vector[f"{role}_static"] = lines[f"{role}_static"]
        if f"{other}_static" in lines:
            vector[f"{role}_remote_static"] = dh.load(bytes.fromhex(lines[f"{other}_static"])).public.hex()
    for number in range(sum(key.endswith("_ciphertext") for key in lines)):
        vector["messages"].append({part: lines[f"msg_{number}_{part}"] for part in ("payload", "ciphertext")})
    return vector


def test_flynn(scripted: Any) -> None:
    """Here the initiator sends the first message after the handshake, whichever side sent the last one in it."""
    counted: Counter[str] = Counter()
    for lines in flynn_vectors():
        name = lines["handshake"]
        vector = as_vector(lines, named(name).dh)
        initiator = side(vector, name, scripted, role="init", initiator=True)
        responder = side(vector, name, scripted, role="resp", initiator=False)
        messages = vector["messages"]
        turns = [turn % 2 for turn in range(len(messages) - 2)] + [0, 1]
        if initiator.protocol.pattern.one_way:
            del messages[-1]  # an answer, which such a pattern does not allow (section 7.4)
            counted["without the answer in a one-way pattern"] += 1
        exchange(vector, initiator, responder, messages, turns)
        counted["played"] += 1
    assert counted == {"played": 1920, "without the answer in a one-way pattern": 288}


def seeded_kem(vector: Vector) -> KEM:
    """ML-KEM-768 without chance: the key pair comes from a seed, the encapsulation (kyber-py's) from another."""
    kyber = pytest.importorskip("kyber_py.ml_kem", reason="needs kyber-py: ./run --group tests").ML_KEM_768

    class Seeded(KEM, frozen=True):
        def generate_keypair(self) -> KeyPair:
            private = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(vector["ephemeral_kem_i_seed"]))
            return KeyPair(private, private.public_key().public_bytes_raw())

        def encapsulate(self, public: bytes) -> tuple[bytes, bytes]:
            secret, ciphertext = kyber._encaps_internal(public, bytes.fromhex(vector["encap_seed_hex"]))
            return ciphertext, secret

    return Seeded(**asdict(MLKEM768))


def test_xxhfs_with_mlkem768(scripted: Any) -> None:
    file = json.loads(XXHFS.read_text())
    assert len(file["vectors"]) == 5
    for vector in file["vectors"]:
        name, prologue, kem = file["protocol"], bytes.fromhex(vector["prologue"]), seeded_kem(vector)
        ends = []
        for initiator, letter in ((True, "i"), (False, "r")):
            protocol = scripted(name, bytes.fromhex(vector[f"ephemeral_dh_{letter}_private"]), kem)
            static = protocol.dh.load(bytes.fromhex(vector[f"static_{letter}_private"]))
            ends.append(HandshakeState(protocol, initiator=initiator, prologue=prologue, s=static))
        initiator, responder = ends

        message_a = initiator.write_message()
        assert message_a.hex() == vector["msg_a"]
        assert len(message_a) == 1216
        assert responder.read_message(message_a) == b""
        message_b = responder.write_message()
        assert message_b.hex() == vector["msg_b"]
        assert len(message_b) == 1200
        assert initiator.read_message(message_b) == b""
        message_c = initiator.write_message()
        assert message_c.hex() == vector["msg_c"]
        assert len(message_c) == 64
        assert responder.read_message(message_c) == b""

        ours, theirs = initiator.split(), responder.split()
        assert ours.handshake_hash.hex() == theirs.handshake_hash.hex() == vector["handshake_hash"]
        for sender, receiver, key in ((ours, theirs, "cs1_k"), (theirs, ours, "cs2_k")):
            sealed = CHACHAPOLY.new(bytes.fromhex(vector[key])).encrypt(bytes(12), b"under this very key", b"")
            assert sender.send.encrypt_with_ad(b"", b"under this very key") == sealed
            assert receiver.receive.decrypt_with_ad(b"", sealed) == b"under this very key"
