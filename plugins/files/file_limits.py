"""The limits of one transfer. All are checked before anything is allocated or created."""

from plytalk.core.contracts.limits import KIB, MIB

CHUNK = 256 * KIB
"""How many bytes are hashed, checked and written at a time (docs/decisions/0036-hash-tree.md)."""
BLOCK = 1024
"""How many chunks share one proof."""
WHOLE_BLOCK = BLOCK * CHUNK
"""How many bytes they have: 256 MiB."""
MAX_SIZE = 4 * MIB * MIB
"""The largest transfer, in bytes: 4 TiB, so that a proof stays below 1 MiB."""
MAX_MANIFEST = 16 * MIB
"""The longest list of a folder's content, in bytes."""
MAX_ENTRIES = 100_000
"""How many files and folders a folder may contain."""
MAX_DEPTH = 64
"""How many folders may be inside each other."""
MAX_NAME = 1024
"""The longest name that is accepted, in characters; what is written is shorter."""
MAX_LEAVES = 16 * MIB
"""How many bytes of hashes a sender keeps in memory, for 128 GiB; more go to a temporary file."""
MAX_PARTIALS = 20
"""How many unfinished transfers a folder keeps; the oldest are removed."""
PARTIAL_DAYS = 7
"""How many days an unfinished transfer is kept."""
MAX_NUMBER = 10_000
"""The highest number that is added to a name which is in use."""
