"""What the bytes of handshake messages and of identities are called."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.contracts.spans import Span
from plytalk.plugins.noise import payload
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.message_spans import noise_message, proof
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import named
from plytalk.trust.identity import OwnIdentity


def names(spans: list[Span]) -> list[tuple[str, int]]:
    return [(span.name, span.size) for span in spans if span.size]


@pytest.mark.parametrize("name", ["XX", "XXpsk3", "IX", "NNpsk0", "XXhfs", "NNhfs+psk2", "NX1"])
def test_the_spans_of_each_message_are_its_length(name: str) -> None:
    protocol = named(f"Noise_{name}_25519{'+MLKEM768' if 'hfs' in name else ''}_AESGCM_SHA256")
    ends = [
        HandshakeState(
            protocol,
            initiator=initiator,
            s=X25519.generate_keypair() if "s" in protocol.pattern.needs(initiator) else None,
            psks=[bytes(32)] * protocol.pattern.psks,
        )
        for initiator in (True, False)
    ]
    for number in range(len(protocol.pattern.messages)):
        writer, reader = ends[number % 2], ends[1 - number % 2]
        message = writer.write_message(b"hello")
        spans = [span for span in noise_message(protocol, number, message) if span.size]
        assert sum(span.size for span in spans) == len(message)
        at = len(message) - 5 - (16 if "tag" in spans[-1].name else 0)
        assert [span.size for span in spans if span.start == at] == [5]
        assert reader.read_message(message) == b"hello"


def test_a_hybrid_message_b_by_its_parts() -> None:
    protocol = named("Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256")
    spans = [span for span in noise_message(protocol, 1, bytes(1379)) if span.size]
    assert names(spans) == [
        ("e", 32),
        ("ekem1, encrypted", 1088),
        ("ekem1: tag", 16),
        ("s, encrypted", 32),
        ("s: tag", 16),
        ("identity, encrypted", 179),
        ("identity: tag", 16),
    ]
    assert spans[3].made_of == "the sender's static public key; key of ee, ekem1"


def test_an_identity_by_its_parts() -> None:
    own = OwnIdentity(Ed25519PrivateKey.generate())
    spans = list(proof(payload.encode(own, bytes(32), 1_700_000_000)))
    assert names(spans) == [
        ("head", 6),
        ("public key", 32),
        ("head of the signature", 2),
        ("signature", 64),
        ("head of the expiry", 3),
        ("expiry", 8),
        ("signature of the expiry", 64),
    ]
    assert spans[5].value == "2023-11-16 22:13:20 UTC"
