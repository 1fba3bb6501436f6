"""Static keys that do not last."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.plugins.noise import payload
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.proof import RENEWAL, Prover
from plytalk.trust.identity import OwnIdentity

ALICE = OwnIdentity(Ed25519PrivateKey.from_private_bytes(bytes(32)))


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_key_and_proof_are_replaced_every_hour_together():
    clock = Clock()
    prover = Prover(ALICE, X25519, clock=clock)
    first = prover.current()
    clock.now += RENEWAL - 1
    assert prover.current() is first
    clock.now += 1
    second = prover.current()
    assert second.pair.public != first.pair.public
    for own, now in ((first, clock.now), (second, clock.now)):  # a handshake that has the first goes on with it
        assert payload.decode(own.proof, own.pair.public, now).key == ALICE.public


def test_a_clock_that_was_set_back_replaces_them_too():
    clock = Clock()
    prover = Prover(ALICE, X25519, clock=clock)
    first = prover.current()
    clock.now -= 10**8
    second = prover.current()
    assert second.pair.public != first.pair.public
    assert payload.decode(second.proof, second.pair.public, clock.now).key == ALICE.public


def test_a_key_that_others_know_stays_and_its_proof_is_signed_again():
    clock, pair = Clock(), X25519.generate_keypair()
    prover = Prover(ALICE, X25519, pair, clock)
    first = prover.current()
    clock.now += RENEWAL
    second = prover.current()
    assert first.pair is second.pair is pair
    assert first.proof != second.proof
    assert payload.decode(second.proof, pair.public, clock.now).dated
