"""The limits fit each other."""

from pathlib import Path

from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB, MIB
from plytalk.plugins.files import file_limits as limits
from plytalk.plugins.files.hash_tree import HASH, blocks_in


def test_a_chunk_and_a_proof_fit_into_a_message() -> None:
    assert limits.CHUNK <= MIB // 2 < DEFAULT_LIMITS.message
    assert (blocks_in(limits.MAX_SIZE) + limits.BLOCK) * HASH < DEFAULT_LIMITS.message - KIB


def test_every_limit_says_what_it_limits() -> None:
    text = Path(limits.__file__).read_text()
    names = [name for name in vars(limits) if name.isupper() and name not in ("KIB", "MIB")]
    assert all(f"\n{name} = " in text for name in names)
    assert text.count('"""') == 2 * len(names) + 2
