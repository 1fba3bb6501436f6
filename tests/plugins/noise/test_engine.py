"""Two sides of a handshake, and all that can go wrong between them."""

import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from heap import referents

from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Usage
from plytalk.plugins.noise.engine import MAX_MESSAGE, HandshakeState
from plytalk.plugins.noise.primitives import DHS, X448, X25519

XX = "Noise_XX_25519_ChaChaPoly_SHA256"
XXHFS = "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"
NNPSK = "Noise_NNpsk0+psk2_25519_AESGCM_BLAKE2s"
ALICE, BOB = X25519.generate_keypair(), X25519.generate_keypair()
PSKS = [bytes([7]) * 32, bytes([8]) * 32]


def sides(name: str = XX, **common: Any) -> tuple[HandshakeState, HandshakeState]:
    statics = [{}, {}] if "_NN" in name else [{"s": ALICE}, {"s": BOB}]
    alice = HandshakeState(name, initiator=True, **statics[0], **common)
    bob = HandshakeState(name, initiator=False, **statics[1], **common)
    return alice, bob


def talk(alice: HandshakeState, bob: HandshakeState, messages: int = 9) -> None:
    for _ in range(messages):
        if not alice.complete:
            writer, reader = (alice, bob) if alice.my_turn else (bob, alice)
            assert reader.read_message(writer.write_message(b"payload")) == b"payload"


@pytest.mark.parametrize("name", [XX, XXHFS, XXHFS.replace("ChaChaPoly", "AESGCM"), XXHFS.replace("hfs", "hfs+psk3")])
def test_a_whole_conversation(name: str) -> None:
    alice, bob = sides(name, prologue=b"hello", psks=PSKS[:1] if "psk" in name else [])
    talk(alice, bob)
    assert (alice.rs, bob.rs) == (BOB.public, ALICE.public)
    ours, theirs = alice.split(), bob.split()
    assert ours.handshake_hash == theirs.handshake_hash
    assert theirs.receive.decrypt_with_ad(b"", ours.send.encrypt_with_ad(b"", b"ping")) == b"ping"
    assert ours.receive.decrypt_with_ad(b"", theirs.send.encrypt_with_ad(b"", b"pong")) == b"pong"


@pytest.mark.parametrize("name", ["NN", "NK", "KK", "IX", "K1X1", "XK1"])
@pytest.mark.parametrize("psk", ["", "+psk0", "+psk2"])
def test_hfs_goes_with_other_patterns(name: str, psk: str) -> None:
    name = f"Noise_{name}hfs{psk}_25519+MLKEM768_AESGCM_SHA512"
    alice, bob = (HandshakeState(name, initiator=initiator, **keys_for(name, initiator)) for initiator in (True, False))
    talk(alice, bob)
    assert alice.split().handshake_hash == bob.split().handshake_hash


def keys_for(name: str, initiator: bool) -> dict[str, Any]:
    from plytalk.plugins.noise.protocol import named

    pattern = named(name).pattern
    mine, theirs = (ALICE, BOB) if initiator else (BOB, ALICE)
    keys: dict[str, Any] = {"s": mine, "rs": theirs.public}
    return {key: keys[key] for key in pattern.needs(initiator)} | {"psks": PSKS[: pattern.psks]}


def test_each_side_knows_whose_turn_it_is() -> None:
    alice, bob = sides()
    assert (alice.my_turn, bob.my_turn) == (True, False)
    with pytest.raises(LocalError, match="other side's turn"):
        bob.write_message()
    with pytest.raises(LocalError, match="this side's turn"):
        alice.read_message(bytes(32))
    with pytest.raises(LocalError, match="at the end"):
        alice.split()
    talk(alice, bob)  # being out of turn harmed nothing
    assert alice.complete
    assert not alice.my_turn
    with pytest.raises(LocalError, match="split"):
        alice.write_message()
    alice.split()
    with pytest.raises(LocalError, match="once"):
        alice.split()
    with pytest.raises(LocalError, match="over"):
        alice.write_message()


def after(name: str, number: int) -> tuple[HandshakeState, HandshakeState, bytes]:
    """The writer and the reader of a message, and that message, not yet read."""
    alice, bob = sides(name)
    talk(alice, bob, number)
    writer, reader = (alice, bob) if alice.my_turn else (bob, alice)
    return writer, reader, writer.write_message(b"to be kept whole" if number else b"")


def finish(writer: HandshakeState, reader: HandshakeState, message: bytes) -> None:
    """Message A is in clear: only the answer tells that it was changed."""
    reader.read_message(message)
    writer.read_message(reader.write_message())


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", [XX, XXHFS])
def test_a_changed_message_ends_the_handshake(name: str, number: int) -> None:
    length = len(after(name, number)[2])
    for at in sorted({0, 31, 40, 1000, length // 2, length - 1} & set(range(length))):
        writer, reader, message = after(name, number)
        with pytest.raises(HandshakeFailed):
            finish(writer, reader, message[:at] + bytes([message[at] ^ 4]) + message[at + 1 :])
        failed = [side for side in (writer, reader) if not hasattr(side, "_symmetric")]
        assert len(failed) == 1
        with pytest.raises(LocalError, match="over"):
            failed[0].write_message()
        with pytest.raises(LocalError, match="did not fail"):
            failed[0].split()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", [XX, XXHFS])
def test_a_message_cut_anywhere_ends_the_handshake(name: str, number: int) -> None:
    length = len(after(name, number)[2])
    for at in sorted({0, 1, 31, 32, 33, 79, 80, 1000, length - 1} & set(range(length))):
        writer, reader, message = after(name, number)
        with pytest.raises(HandshakeFailed):
            finish(writer, reader, message[:at])


@pytest.mark.parametrize("common", ["prologue", "psks"])
def test_what_both_must_know_alike(common: str) -> None:
    alice = HandshakeState(NNPSK, initiator=True, psks=PSKS)
    other = {"prologue": b"another"} if common == "prologue" else {}
    bob = HandshakeState(NNPSK, initiator=False, psks=PSKS[::-1] if common == "psks" else PSKS, **other)
    with pytest.raises(HandshakeFailed, match="message 1 does not decrypt"):
        bob.read_message(alice.write_message())


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_a_low_order_ephemeral_key_is_refused(point: bytes) -> None:
    _, bob = sides()
    bob.read_message(point)
    with pytest.raises(HandshakeFailed, match="low order"):
        bob.write_message()
    with pytest.raises(LocalError, match="over"):
        bob.write_message()


def test_a_malformed_kem_key_is_refused() -> None:
    _, bob = sides(XXHFS)
    bob.read_message(ALICE.public + b"\xff" * 1184)
    with pytest.raises(HandshakeFailed, match="MLKEM768 key is malformed"):
        bob.write_message()


def test_a_message_has_65535_bytes_at_most() -> None:
    alice, bob = sides()
    sent = bytes(MAX_MESSAGE - 32)
    assert bob.read_message(alice.write_message(sent)) == sent
    with pytest.raises(LocalError, match="too long"):
        bob.write_message(bytes(MAX_MESSAGE - 32 - 48 - 15))
    alice, bob = sides()
    with pytest.raises(LocalError, match="too long"):
        alice.write_message(bytes(MAX_MESSAGE - 31))
    with pytest.raises(HandshakeFailed, match="longer than"):
        bob.read_message(bytes(MAX_MESSAGE + 1))


def test_one_way_means_one_way() -> None:
    name = "Noise_N_25519_AESGCM_SHA256"
    alice = HandshakeState(name, initiator=True, rs=BOB.public)
    bob = HandshakeState(name, initiator=False, s=BOB)
    talk(alice, bob)
    ours, theirs = alice.split(), bob.split()
    assert theirs.receive.decrypt_with_ad(b"", ours.send.encrypt_with_ad(b"", b"a letter")) == b"a letter"
    with pytest.raises(LocalError, match="forgotten"):
        theirs.send.encrypt_with_ad(b"", b"an answer")
    with pytest.raises(LocalError, match="forgotten"):
        ours.receive.decrypt_with_ad(b"", bytes(20))


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        (XX, {}, r"asks for the keys \['s'\]"),
        (XX, {"s": ALICE, "rs": BOB.public}, "asks for the keys"),
        (XX, {"s": ALICE, "e": BOB}, "asks for the keys"),
        (XX, {"s": X448.generate_keypair()}, "has 32 bytes"),
        (XX, {"s": ALICE, "psks": PSKS[:1]}, "takes 0 pre-shared keys"),
        ("Noise_NK_25519_AESGCM_SHA256", {}, r"asks for the keys \['rs'\]"),
        ("Noise_NK_25519_AESGCM_SHA256", {"rs": BOB.public + b"!"}, "has 32 bytes"),
        (NNPSK, {}, "takes 2 pre-shared keys"),
        (NNPSK, {"psks": PSKS[:1]}, "takes 2 pre-shared keys"),
        (NNPSK, {"psks": [PSKS[0], b"short"]}, "keys of 32 bytes"),
    ],
)
def test_it_starts_with_exactly_the_keys_it_needs(name: str, keys: dict[str, Any], why: str) -> None:
    with pytest.raises(LocalError, match=why):
        HandshakeState(name, initiator=True, **keys)


def test_an_unknown_protocol() -> None:
    with pytest.raises(Usage):
        HandshakeState("Noise_ZZ_25519_AESGCM_SHA256", initiator=True)


def reachable(root: object) -> list[object]:
    """Everything that can be reached from an object without going through modules, classes and functions."""
    seen: dict[int, object] = {}
    todo = [root]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in ("module", "function", "dict_keys"):
            continue
        seen[id(thing)] = thing
        todo += referents(thing)
    return list(seen.values())


SECRETS = (X25519PrivateKey, MLKEM768PrivateKey)


def secrets_in(root: object) -> list[object]:
    return [thing for thing in reachable(root) if isinstance(thing, SECRETS) or thing in PSKS]


@pytest.mark.parametrize("end", ["split", "failure"])
@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_no_secret_outlives_the_handshake(end: str, role: str) -> None:
    alice, bob = sides(XXHFS.replace("hfs", "hfs+psk2"), psks=PSKS[:1])
    state = alice if role == "initiator" else bob
    talk(alice, bob, 2)
    # What is looked for would be found: s and e of X25519 (and the KEM's, for the initiator); the PSK is used by now.
    assert len(secrets_in(state)) == (3 if role == "initiator" else 2)
    if end == "split":
        talk(alice, bob)
        transport = state.split()
        assert secrets_in(transport) == []
    else:
        with pytest.raises((HandshakeFailed, LocalError)):
            state.write_message(bytes(MAX_MESSAGE)) if role == "initiator" else state.read_message(b"nonsense")
    assert secrets_in(state) == []
    assert not hasattr(state, "_symmetric")


def test_a_psk_is_gone_when_it_is_used() -> None:
    alice, _ = sides(NNPSK, psks=PSKS)
    assert secrets_in(alice) == PSKS
    alice.write_message()
    assert [thing for thing in secrets_in(alice) if isinstance(thing, bytes)] == PSKS[1:]
    alice.forget()
    alice.forget()
    assert secrets_in(alice) == []


@pytest.mark.parametrize("dh", DHS)
def test_repr_shows_no_secret(dh: str) -> None:
    static = DHS[dh].generate_keypair()
    alice = HandshakeState(f"Noise_XXpsk0_{dh}_AESGCM_SHA512", initiator=True, s=static, psks=[PSKS[0]])
    alice.write_message()
    assert repr(alice) == f"<HandshakeState Noise_XXpsk0_{dh}_AESGCM_SHA512 initiator, 1 messages>"
    with pytest.raises(TypeError, match="not to be written"):
        pickle.dumps(alice)


def test_a_transport_shows_no_key() -> None:
    alice, bob = sides()
    talk(alice, bob)
    transport = alice.split()
    expected = f"TransportState(send=<CipherState n=0>, receive=<CipherState n=0>, handshake_hash={transport.handshake_hash!r})"
    assert repr(transport) == expected
