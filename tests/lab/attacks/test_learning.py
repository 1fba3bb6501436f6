"""What an eavesdropper can learn: looking like noise is not being secret, and a layer that lies is found out."""

import hashlib
import os
import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.contracts.attack import CANARY, Outcome
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import PROTECTIONS, Property
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.learning import SecretTrace, equal_pieces, forms, learned, same_counts, same_stream
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.scenario import Scenario

LINES = [f"client line {number} canary{'.' * 5 * number}".encode() for number in range(6)]
KEY = bytes(range(32))


def stream(key: bytes, number: int, length: int) -> bytes:
    return b"".join(hashlib.sha256(key + bytes([number, block])).digest() for block in range(8))[:length]


def xored(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ other for byte, other in zip(data, key * 9, strict=False))


def blocks(data: bytes) -> bytes:
    """Each block by itself, as ECB does it."""
    padded = data.ljust(-(-len(data) // 16) * 16, b"\0")
    return b"".join(hashlib.sha256(KEY + padded[at : at + 16]).digest()[:16] for at in range(0, len(padded), 16))


def gcm(data: bytes, nonce: bytes) -> bytes:
    return nonce + AESGCM(KEY).encrypt(nonce, data, None)


def inside(**ways: list[bytes]) -> SecretTrace:
    found = SecretTrace()
    for name, values in ways.items():
        getattr(found, name)[:] = values
    return found


@pytest.mark.parametrize(
    "seal",
    [lambda data: xored(data, KEY), lambda data: gcm(data, bytes(12)), lambda data: b"head" + xored(data, KEY)],
    ids=["a repeated key", "a fixed nonce", "behind a header"],
)
def test_a_key_stream_that_is_used_twice_is_seen(seal) -> None:
    assert same_stream([(line, seal(line)) for line in LINES])


def test_blocks_that_repeat_are_seen() -> None:
    pairs = [(line, blocks(line)) for line in LINES]
    assert not same_stream(pairs)
    assert equal_pieces(pairs)


@pytest.mark.parametrize(
    "seal",
    [lambda n, data: gcm(data, os.urandom(12)), lambda n, data: xored(data, stream(KEY, n, 200)),
     lambda n, data: bytes([n % 2]) + b"a header of every message" + gcm(data, os.urandom(12))],
    ids=["random nonces", "a stream for each message", "a constant header of two kinds"],
)  # fmt: skip
def test_what_tells_nothing_is_secret(seal) -> None:
    pairs = [(line, seal(number, line)) for number, line in enumerate(LINES)]
    assert not same_stream(pairs)
    assert not equal_pieces(pairs)


def test_keys_are_looked_for_in_every_form_and_in_earlier_conversations() -> None:
    end, key = SecretTrace(), os.urandom(32)
    end(TraceEvent("keys", "", "session key", key))
    for form in forms(key):
        assert list(learned([end], b"{" + form + b"}", "words")) == ["a key is in what passed"]
    assert list(learned([end], b"", "words", [key])) == ["a key is that of an earlier conversation"]
    assert list(learned([end], b"", "words", [os.urandom(32)])) == []
    end(TraceEvent("keys", "", "session key", bytes(32)))
    assert list(learned([end], b"", "words")) == ["a key is one byte repeated"]
    assert list(learned([SecretTrace()], b"some words here", "words")) == ["the words are in what passed"]


class Liar(Cipher):
    """XOR with a repeated key, which says that it protects everything."""

    name = "liar"
    needs = {Property.KEYS}
    gives = frozenset(PROTECTIONS)
    prefers = {"framer": "typed", "handshake": "rsa", "messages": "text"}

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        self._send, self._receive = secrets.send, secrets.receive

    def seal(self, plaintext: bytes) -> bytes:
        return xored(plaintext, self._send)

    def open(self, sealed: bytes) -> bytes:
        return xored(sealed, self._receive)


class InTheClear(Handshake):
    """Sends the session key as it is, and says that it is secret."""

    name = "in-the-clear"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS, Property.FORWARD_SECRECY, Property.POST_QUANTUM, Property.FRESHNESS}
    speaks_first = Role.INITIATOR

    async def initiate(self, io) -> SessionSecrets:
        key = os.urandom(32)
        await io.send(b"K", key.hex().encode())
        return SessionSecrets.shared(key)

    async def respond(self, io) -> SessionSecrets:
        return SessionSecrets.shared(bytes.fromhex((await io.receive(b"K", 64)).decode()))


def outcomes(attacks: list[str], seeds: int = 1, **layers) -> dict[str, set[Outcome]]:
    registry = Registry()
    names = {
        "transport": "memory",
        "framer": "typed",
        "handshake": "rsa",
        "cipher": "aesgcm",
        "messages": "text",
        "ui": "console",
    }
    classes = {kind: [layers.get(kind) or registry.layer(kind, name)] for kind, name in names.items()}
    found: dict[str, set[Outcome]] = {}
    for cell in measure([Scenario("liar", classes)], [registry.attack(name) for name in attacks], range(seeds)):
        found.setdefault(cell.attack, set()).add(cell.measured)
    return found


CLAIMED = ("eavesdrop", "tamper", "tamper-first", "inject", "lengthen", "shorten", "mitm", "reorder", "drop", "replay",
           "break-x25519-later", "leak-long-term-keys", "lengths", "forge-goodbye", "reflect")  # fmt: skip


def test_a_cipher_that_claims_everything_is_refuted_in_every_cell_whatever_the_luck_of_the_draw() -> None:
    found = outcomes([*CLAIMED], seeds=6, cipher=Liar)
    assert found == {"passive": {Outcome.HELD}, **{name: {Outcome.BROKEN} for name in CLAIMED}}


def test_a_handshake_that_sends_its_key_in_the_clear_keeps_nothing_secret() -> None:
    attacks = ["eavesdrop", "break-x25519-later", "leak-long-term-keys"]
    found = outcomes(attacks, handshake=InTheClear)
    assert found == {"passive": {Outcome.HELD}, **{name: {Outcome.BROKEN} for name in attacks}}


def test_letters_that_are_exchanged_or_moved_occur_as_often_as_before() -> None:
    lines = [f"client line {number} canary-7f3a{'.' * 5 * number}".encode() for number in range(6)]
    table = bytes(random.Random(1).sample(range(256), 256))
    for seal in (
        lambda line: line[::-1],
        lambda line: line.translate(table),
        lambda line: b"nonce" + line.translate(table)[::-1],
    ):
        assert same_counts([(line, seal(line)) for line in lines])
    sealed = [(line, os.urandom(len(line) + 28)) for line in lines]
    assert not same_counts(sealed)
    assert not same_counts([])
    assert not same_counts([(b"short", b"trohs")])


def test_a_key_that_is_a_hash_of_what_passed_in_the_clear_is_known_to_everybody() -> None:
    first, second = b"from the client", b"from the server"
    traced = SecretTrace()
    traced.keys = {hashlib.sha256(second + first).digest()}
    assert list(learned([traced], b"", CANARY, (), [first, second])) == ["a key is a hash of what passed in the clear"]
    assert list(learned([traced], b"", CANARY, (), [first])) == []


def test_what_the_keys_of_another_conversation_open_is_read() -> None:
    assert list(learned([SecretTrace()], b"", CANARY, (), (), b"... canary-7f3a")) == ["the keys of another conversation open it"]
