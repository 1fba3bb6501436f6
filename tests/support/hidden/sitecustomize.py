"""Hide the plugins that somebody has installed beside plytalk: what tests expect must not depend on them.

Python imports this file when a program starts, also in programs that tests start. `surroundings.prepare` runs it for the tests.
It imports nothing, because tests look at what a program has imported.
"""

import os
import sys


def hide(paths: "set[str]") -> None:
    """Leave the distributions with these metadata folders out of what importlib.metadata finds."""
    finder = next(each for each in sys.meta_path if getattr(each, "__name__", "") == "PathFinder")
    find = finder.find_distributions

    def find_distributions(*context: object) -> object:
        return (each for each in find(*context) if str(getattr(each, "_path", "")) not in paths)

    finder.find_distributions = staticmethod(find_distributions)


if os.environ.get("HIDDEN_DISTRIBUTIONS"):
    hide(set(os.environ["HIDDEN_DISTRIBUTIONS"].split(os.pathsep)))
