"""The suites of plytalk/1, its message types and their sizes (docs/protocol.md)."""

from plytalk.plugins.noise import payload

HYBRID = ("Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256")
CLASSICAL = ("Noise_XX_25519_AESGCM_SHA256", "Noise_XX_25519_ChaChaPoly_SHA256")
SETS = {"hybrid": HYBRID, "classical": CLASSICAL, "any": HYBRID + CLASSICAL}


def short_name(suite: str) -> str:
    """Return a suite's name without the beginning and end that all suites share."""
    return suite.removeprefix("Noise_").removesuffix("_SHA256")


GREETING, A, B, C = b"P", b"A", b"B", b"C"
# The tags in A are there with a pre-shared key alone, which seals from the first key on (Noise, section 9.2).
MAX_A, MAX_B, MAX_C = 32 + 1184 + 16 + 16, 32 + 1088 + 16 + 32 + 16 + payload.LENGTH + 16, 32 + 16 + payload.LENGTH + 16
