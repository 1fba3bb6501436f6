"""A recorded handshake and all X25519 keys of both sides: they open a classical suite, and not one with a KEM."""

import pytest

from plytalk.core.contracts.errors import Tampered
from plytalk.plugins.noise import preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.noise.recording import Broken, read

CLASSICAL, HYBRID = "Noise_XX_25519_ChaChaPoly_SHA256", "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"


@pytest.fixture
def broken():
    looking = Broken()
    yield looking
    looking.stop()


def recorded(suite: str):
    """Both preambles, the three messages, and the first words of the client."""
    offer, answer = preamble.Offer((suite,)).encode(), preamble.Answer(suite, (suite,)).encode()
    client, server = (
        HandshakeState(named(suite), initiator=first, prologue=preamble.prologue(offer, answer), s=X25519.generate_keypair())
        for first in (True, False)
    )
    messages = []
    for writer, reader in ((client, server), (server, client), (client, server)):
        messages.append(writer.write_message(b"identity"))
        assert reader.read_message(messages[-1]) == b"identity"
    return offer, answer, tuple(messages), client.split().send.encrypt_with_ad(b"", b"meet me at nine")


def test_the_keys_open_a_classical_recording(broken: Broken) -> None:
    offer, answer, messages, words = recorded(CLASSICAL)
    assert read(offer, answer, messages, broken.keys).decrypt_with_ad(b"", words) == b"meet me at nine"


def test_the_secret_of_the_kem_is_missing_in_a_hybrid_one(broken: Broken) -> None:
    offer, answer, messages, _ = recorded(HYBRID)
    with pytest.raises(Tampered):
        read(offer, answer, messages, broken.keys)


def test_an_edited_recording_does_not_open(broken: Broken) -> None:
    offer, answer, (a, b, c), _ = recorded(CLASSICAL)
    with pytest.raises(Tampered):
        read(offer, answer, (a, b, c[:-1] + bytes([c[-1] ^ 1])), broken.keys)


def test_only_keys_made_meanwhile_are_known_by_their_public_key() -> None:
    before = X25519.generate_keypair()
    broken = Broken()
    try:
        during = X25519.generate_keypair()
    finally:
        broken.stop()
    after = X25519.generate_keypair()
    assert list(broken.keys) == [during.public]
    assert X25519.dh(before, after.public) == X25519.dh(after, before.public)
