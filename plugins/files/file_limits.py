"""The limits of one transfer. All are checked before anything is allocated or created."""

from plytalk.core.contracts.limits import KIB, MIB

CHUNK = 256 * KIB
"""The bytes that are hashed, checked and written at a time (docs/decisions/0036-hash-tree.md)."""
BLOCK = 1024
"""The number of chunks that share one proof."""
WHOLE_BLOCK = BLOCK * CHUNK
"""The bytes of these chunks: 256 MiB."""
MAX_SIZE = 4 * MIB * MIB
"""The largest transfer, in bytes: 4 TiB, so that a proof stays below 1 MiB."""
MAX_MANIFEST = 16 * MIB
"""The longest list of a folder's content, in bytes."""
MAX_ENTRIES = 100_000
"""The largest number of files and folders in a folder."""
MAX_DEPTH = 64
"""The largest depth of folders."""
MAX_NAME = 1024
"""The longest name that is accepted, in characters. The name on disk is shorter."""
MAX_LEAVES = 16 * MIB
"""The bytes of hashes that a sender keeps in memory, enough for 128 GiB. More go to a temporary file."""
MAX_PARTIALS = 20
"""The number of unfinished transfers that a folder keeps. The oldest are removed."""
PARTIAL_DAYS = 7
"""The days for which an unfinished transfer is kept."""
MAX_NUMBER = 10_000
"""The highest number added to a name that is in use."""
