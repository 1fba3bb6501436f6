"""Exercise 8: one recording opens with the keys that leaked and the other does not; the suite is measured."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.later_reading import INFO, NONCE, check, make

DRAW = Draw(8, "erin")
WORDS = " ".join(DRAW.words("places", 2))


@pytest.mark.parametrize(
    ("suite", "why"),
    [
        ("Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256", "is held"),
        ("hybrid", "is held"),
        ("Noise_XX_25519_AESGCM_SHA256", "is broken"),
        ("classical", "is broken"),
        ("Noise_NN_25519_AESGCM_SHA256", "has no suite"),
        ("nonsense", "the suite is not"),
    ],
)
def test_the_suite_is_measured(suite: str, why: str) -> None:
    verdict = check(DRAW, f"{WORDS} {suite}")
    assert verdict.right is (why == "is held")
    assert why in verdict.why


@pytest.mark.parametrize("answer", ["hybrid", WORDS, f"hybrid {WORDS}", f"x {WORDS} hybrid", f"{WORDS[::-1]} hybrid"])
def test_the_words_come_first_and_have_to_be_right(answer: str) -> None:
    assert not check(DRAW, answer).right


def test_a_wrong_answer_says_which_part_is_wrong() -> None:
    assert check(DRAW, WORDS).why == "The answer is the two words of the recording that opens, and then a suite."
    assert "The first two words are not the place" in check(DRAW, "onion onion hybrid").why


def opened(passed: dict[str, bytes], private: bytes) -> bytes:
    """What a recording opens to with the X25519 key alone."""
    shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(passed["server"]))
    key = HKDF(SHA256(), 32, salt=None, info=INFO).derive(shared)
    return ChaCha20Poly1305(key).decrypt(NONCE, passed["sealed"], passed["client"] + passed["server"])


def test_the_recording_with_ml_kem_stays_closed() -> None:
    made = make(DRAW)
    parts = {
        name: {one: bytes.fromhex(digits) for one, digits in map(str.split, made[f"{name}.txt"].decode().splitlines())}
        for name in ("A", "B", "leaked")
    }
    hybrid = next(name for name in "AB" if "client-mlkem768" in parts[name])
    classical = "AB".replace(hybrid, "")
    assert WORDS.split()[0].encode() in opened(parts[classical], parts["leaked"][classical])
    with pytest.raises(InvalidTag):
        opened(parts[hybrid], parts["leaked"][hybrid])
    assert {name: len(value) for name, value in parts[hybrid].items() if "mlkem" in name} == {
        "client-mlkem768": 1184,
        "server-mlkem768": 1088,
    }


def test_the_program_with_gaps_reads_the_recording_when_they_are_filled(tmp_path, monkeypatch, capsys) -> None:
    made = make(DRAW)
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    classical = next(name for name in "AB" if b"mlkem" not in made[f"{name}.txt"])
    program = made["recover.py"].decode().replace('"A.txt"', f'"{classical}.txt"')
    program = program.replace("from_private_bytes(...)", f'from_private_bytes(leaked["{classical}"])')
    exec(program.replace("from_public_bytes(...)", 'from_public_bytes(recording["server"])'), {})
    assert capsys.readouterr().out == f"The meeting place is the {WORDS.replace(' ', ' by the ')}.\n"
