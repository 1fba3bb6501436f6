"""What is known of a ban beside the key: when it was made, what the member was called, and why. One written by hand may say less.

    2026-11-29T10:12:11Z bob too much spam
    2026-11-29T10:12:11Z "Bob of Example"

The name is in quotes where it has spaces, and where it is empty.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.sizes import rfc3339

_PLAIN = re.compile(r'[^\s"]+')


class Ban(NamedTuple):
    """`since` is a time by RFC 3339 in UTC; empty is what is not known."""

    since: str = ""
    name: str = ""
    reason: str = ""

    @classmethod
    def now(cls, name: str, reason: str) -> "Ban":
        return cls(rfc3339(datetime.now(UTC)), clean(name.replace('"', "")), " ".join(clean(reason).split()))

    @classmethod
    def parse(cls, text: str) -> "Ban":
        """Read what follows a key. Raises ValueError."""
        since, _, rest = text.partition(" ")
        try:
            datetime.fromisoformat(since or "2026-11-29")
        except ValueError:
            raise ValueError("behind the key of a ban stands a time, as in 2026-11-29T10:12:11Z") from None
        name, reason = split_name(rest)
        return cls(since, name, reason)

    def __str__(self) -> str:
        name = self.name if _PLAIN.fullmatch(self.name) else f'"{self.name}"'
        return f"{self.since} {name} {self.reason}".strip() if self.name or self.reason else self.since


def split_name(text: str) -> tuple[str, str]:
    """A name and what follows it. A name with spaces is written in quotes: guessing would tell the wrong person."""
    name, _, rest = text[1:].partition('"') if text.startswith('"') else text.partition(" ")
    return name, rest.strip()
