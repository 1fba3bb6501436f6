"""Each step of the key schedule is traced with its inputs and outputs; long-lived secrets are not."""

import hashlib
import hmac

import pytest

from plytalk.core.contracts.spans import Span
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import named

PSK = b"P" * 32


class Disclosures(list[tuple[str, dict[str, bytes]]]):
    """Takes what a handshake discloses: of each step its parts by name, of a key itself."""

    def __call__(self, name: str, key: bytes, parts: tuple[Span, ...] | list[Span] = ()) -> None:
        self.append((name, {part.name: key[part.start : part.end] for part in parts} or {"": key}))


def run(name: str) -> list[Disclosures]:
    protocol = named(name)
    heard = [Disclosures(), Disclosures()]
    ends = [
        HandshakeState(
            protocol,
            initiator=not number,
            s=X25519.generate_keypair() if "s" in protocol.pattern.needs(not number) else None,
            psks=[PSK] * protocol.pattern.psks,
            disclose=heard[number],
        )
        for number in range(2)
    ]
    for number in range(len(protocol.pattern.messages)):
        ends[1 - number % 2].read_message(ends[number % 2].write_message())
    for end in ends:
        end.split()
    return heard


def hkdf(ck: bytes, material: bytes, outputs: int) -> list[bytes]:
    """As Noise, section 4.3, has it."""
    key, last, found = hmac.digest(ck, material, "sha256"), b"", []
    for number in range(1, outputs + 1):
        last = hmac.digest(key, last + bytes([number]), "sha256")
        found.append(last)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Noise_XX_25519_AESGCM_SHA256",
        "Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_SHA256",
        "Noise_NNpsk0_25519_AESGCM_SHA256",
        "Noise_NNhfs_25519+MLKEM768_AESGCM_SHA256",
    ],
)
def test_both_sides_tell_the_same_steps_and_each_follows_from_the_one_before(name: str) -> None:
    ours, theirs = run(name)
    assert ours == theirs
    assert ours[0][1]["ck"] == (name.encode().ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name.encode()).digest())
    ck, psks = ours[0][1]["ck"], 0
    for step, parts in ours[1:-2]:
        if "ck" in parts:
            psks += step.endswith(" psk")
            material = parts.get("input", PSK)
            assert (material == PSK) == step.endswith(" psk"), step
            made = hkdf(ck, material, 3 if step.endswith(" psk") else 2)
            ck = made[0]
            assert (parts["ck"], parts["k"]) == (ck, made[-1])
    assert psks == named(name).pattern.psks
    assert ours[-2:] == list(zip(("client key", "server key"), ({"": key} for key in hkdf(ck, b"", 2)), strict=True))


def test_a_pre_shared_key_is_not_told() -> None:
    for heard in run("Noise_XXpsk3_25519_AESGCM_SHA256"):
        assert not any(PSK in part for _, parts in heard for part in parts.values())
