"""Protocol names."""

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise.primitives import AESGCM, BLAKE2B, CHACHAPOLY, MLKEM768, SHA256, X448, X25519
from plytalk.plugins.noise.protocol import interactive, named


def test_a_name_names_everything() -> None:
    protocol = named("Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_SHA256")
    assert protocol.pattern.name == "XXhfs+psk3"
    assert (protocol.dh, protocol.kem, protocol.cipher, protocol.hash) == (X25519, MLKEM768, CHACHAPOLY, SHA256)


def test_another() -> None:
    protocol = named("Noise_X1K1_448_AESGCM_BLAKE2b")
    assert (protocol.dh, protocol.kem, protocol.cipher, protocol.hash) == (X448, None, AESGCM, BLAKE2B)


def test_a_name_is_taken_apart_once() -> None:
    assert named("Noise_XX_25519_AESGCM_SHA256") is named("Noise_XX_25519_AESGCM_SHA256")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "not a Noise protocol name"),
        ("Noise_XX_25519_ChaChaPoly", "not a Noise protocol name"),
        ("Noise_XX_25519_ChaChaPoly_SHA256_", "not a Noise protocol name"),
        ("NoisePSK_XX_25519_ChaChaPoly_SHA256", "not a Noise protocol name"),
        ("Noise_XX_25519_ChaChaPoly_SHA256" + "A" * 224, "not a Noise protocol name"),
        ("Noise_QQ_25519_ChaChaPoly_SHA256", "no handshake pattern 'QQ'"),
        ("Noise_XX_25518_ChaChaPoly_SHA256", "No DH functions '25518'"),
        ("Noise_XX_25519_ChaCha_SHA256", "No cipher 'ChaCha'"),
        ("Noise_XX_25519_ChaChaPoly_SHA1", "No hash 'SHA1'"),
        ("Noise_XX_25519_ChaChaPoly_sha256", "No hash 'sha256'"),
        ("Noise_XXhfs_25519+ML-KEM-768_ChaChaPoly_SHA256", "No KEM 'ML-KEM-768'"),
        ("Noise_XXhfs_25519+_ChaChaPoly_SHA256", "No KEM ''"),
        ("Noise_XXhfs_25519_ChaChaPoly_SHA256", "must come together"),
        ("Noise_XX_25519+MLKEM768_ChaChaPoly_SHA256", "must come together"),
    ],
)
def test_names_that_are_refused(name: str, why: str) -> None:
    with pytest.raises(Usage, match=why):
        named(name)


def test_the_protocol_of_a_pattern_and_the_rest_of_a_name() -> None:
    assert interactive("XX", "25519_ChaChaPoly_SHA256").name == "Noise_XX_25519_ChaChaPoly_SHA256"
    assert interactive("IKpsk2", "448_AESGCM_BLAKE2b").name == "Noise_IKpsk2_448_AESGCM_BLAKE2b"
    assert interactive("XXhfs", "25519_ChaChaPoly_SHA256").name == "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"
    assert interactive("XXhfs", "25519+MLKEM768_ChaChaPoly_SHA256").name == "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"


@pytest.mark.parametrize("pattern", ["N", "K", "X", "Npsk0"])
def test_one_way_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(Usage, match="one-way: only the client could ever speak"):
        interactive(pattern, "25519_ChaChaPoly_SHA256")


@pytest.mark.parametrize(
    ("pattern", "suite", "why"),
    [
        ("ZZ", "25519_ChaChaPoly_SHA256", "no handshake pattern 'ZZ'"),
        ("XXpsk9", "25519_ChaChaPoly_SHA256", "psk9 does not fit"),
        ("XXfallback", "25519_ChaChaPoly_SHA256", "continues a handshake that failed"),
        ("XX", "25519_ChaChaPoly", "not a Noise protocol name"),
        ("XX", "25519_ROT13_SHA256", "No cipher 'ROT13'"),
        ("XX", "25519+MLKEM768_ChaChaPoly_SHA256", "must come together"),
    ],
)
def test_what_is_no_protocol_is_refused_in_words(pattern: str, suite: str, why: str) -> None:
    with pytest.raises(Usage, match=why.replace("+", r"\+")):
        interactive(pattern, suite)
