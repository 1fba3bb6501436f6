import sys

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, Usage
from plytalk.plugins.noise.primitives import MLKEM768
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.noise.seeded import seeded_identity, seeded_protocol

HYBRID = named("Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256")


def draw(purpose: str, size: int) -> bytes:
    return (purpose.encode() * size)[:size]


def test_keys_come_from_what_is_drawn() -> None:
    dh = seeded_protocol(HYBRID, draw).dh
    assert dh.generate_keypair().public == HYBRID.dh.load(draw("ephemeral", 32)).public
    assert seeded_identity(draw).public.blob == seeded_identity(draw).public.blob


def test_what_is_encapsulated_is_what_cryptography_decapsulates() -> None:
    kem = seeded_protocol(HYBRID, draw).kem
    assert kem is not None
    pair = kem.generate_keypair()
    assert pair.public == kem.generate_keypair().public
    ciphertext, secret = kem.encapsulate(pair.public)
    assert (ciphertext, secret) == kem.encapsulate(pair.public)
    assert MLKEM768.decapsulate(pair, ciphertext) == secret


def test_a_malformed_kem_key_is_refused() -> None:
    kem = seeded_protocol(HYBRID, draw).kem
    assert kem is not None
    with pytest.raises(HandshakeFailed, match="malformed"):
        kem.encapsulate(b"\xff" * 1184)


def test_without_kyber_py_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kyber_py.ml_kem", None)
    kem = seeded_protocol(HYBRID, draw).kem
    assert kem is not None
    with pytest.raises(Usage, match="kyber-py"):
        kem.encapsulate(kem.generate_keypair().public)


def test_a_protocol_without_a_kem_has_none() -> None:
    assert seeded_protocol(named("Noise_XX_25519_AESGCM_SHA256"), draw).kem is None
