"""Loading modules quickly."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """For imports: no garbage collection meanwhile, and what has been loaded counts as old, since it stays."""
    searches, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
            gc.unfreeze()  # into the oldest generation: what is frozen is not found when a forked child forgets its parent's keys
        if searches:
            gc.enable()
