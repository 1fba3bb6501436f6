"""What a server tells its user about its peers: the first few of a kind at once, then how many more there were.

A peer that causes a notice must not be able to fill the screen, or the log of the service, with them.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable

from plytalk.core.contracts.sanitise import shorten

AT_ONCE, IN_ALL = 20, 50
"""How many notices of one kind are shown in each period, and how many of all kinds. The first of a kind is always shown."""
KINDS = 20
"""How many kinds are told apart in each period. The rest count as one more kind."""
PERIOD = 60.0
"""How long a period is, in seconds."""
LONGEST = 160
"""The longest name of a kind, in characters."""
OTHERS = "of other kinds"

_FIRST_WORD = re.compile(r"^\S{1,100} ")
_VARIABLE = re.compile(r"\S*\d\S*|[`'\"][^`'\"]*[`'\"]")


class Notices:
    """`show` shows a sentence. A period begins with the first notice after the last period."""

    def __init__(self, show: Callable[[str], None], period: float = PERIOD) -> None:
        self._show, self._period = show, period
        self._counts: Counter[str] = Counter()
        self._shown: Counter[str] = Counter()
        self._end: asyncio.TimerHandle | None = None

    def tell(self, sentence: str, kind: str = "") -> None:
        """Show a sentence now, or count it. `kind` groups similar sentences; without it the kind is guessed."""
        if self._end is None:
            with contextlib.suppress(RuntimeError):  # no loop runs: asyncio tells some faults after the loop has ended
                self._end = asyncio.get_running_loop().call_later(self._period, self.summarise)
        kind = kind or kind_of(sentence)
        if kind not in self._counts and len(self._counts) >= KINDS:
            kind = OTHERS
        self._counts[kind] += 1
        if self._counts[kind] == 1 or (self._counts[kind] <= AT_ONCE and self._shown.total() < IN_ALL):
            self._shown[kind] += 1
            self._show(sentence)

    def summarise(self) -> None:
        """End the period: say how many were not shown."""
        hidden = self._counts - self._shown
        self._counts, self._shown = Counter(), Counter()
        if self._end:
            self._end.cancel()
            self._end = None
        for kind, count in hidden.items():
            about = f"... and {count:,} more like this in the last {self._period:g} seconds"
            self._show(f"{about}, {kind}." if kind == OTHERS else f"{about}: {kind}")


def kind_of(sentence: str) -> str:
    """Return a sentence without what varies: without its first word (an address or a name), and with `...` for numbers and
    quotations.
    """
    return shorten(" ".join(_VARIABLE.sub("...", _FIRST_WORD.sub("", sentence)).split()), LONGEST)
