"""What plytalk/1 sends, against what the Noise protocol names and the sizes of their messages say."""

import pytest

from plytalk.plugins.noise import payload
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.noise.suites import CLASSICAL, HYBRID, MAX_A, MAX_B, MAX_C, SETS


@pytest.mark.parametrize("suite", SETS["any"])
def test_every_suite_is_one_of_the_engine_and_is_hybrid_as_its_name_says(suite: str) -> None:
    assert (named(suite).kem is not None) is (suite in HYBRID)
    assert (suite in CLASSICAL) is (suite not in HYBRID)


def test_the_longest_messages_have_a_kem_and_a_pre_shared_key() -> None:
    kem = named(HYBRID[0]).kem
    assert kem is not None
    assert (32 + kem.publickeylen + 16 + 16, 32 + 16 + payload.LENGTH + 16) == (MAX_A, MAX_C)
    assert kem.ciphertextlen + 16 + 32 == MAX_B - MAX_C
