"""What objects hold: the garbage collector's view, without what makes it dangerous."""

import gc
from types import ModuleType


def referents(holder: object) -> list[object]:
    """What an object holds directly.

    A module is left out; what it defines is in its dictionary. On Python 3.12 the collector also shows the objects that
    `_asyncio` keeps to be used again. They are freed already: a reference to one frees it twice, and then no collection ends.
    """
    return [] if isinstance(holder, ModuleType) else gc.get_referents(holder)
