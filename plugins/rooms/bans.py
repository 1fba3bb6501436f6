"""The details of a ban besides the key: its time, the name of the member, and the reason. A line written by hand may have fewer.

    2026-11-29T10:12:11Z bob too much spam
    2026-11-29T10:12:11Z "Bob of Example"

The name is in quotes if it has spaces or is empty.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.sizes import rfc3339

_PLAIN = re.compile(r'[^\s"]+')


class Ban(NamedTuple):
    """`since` is a time in the format of RFC 3339, in UTC. Anything unknown is empty."""

    since: str = ""
    name: str = ""
    reason: str = ""

    @classmethod
    def now(cls, name: str, reason: str) -> "Ban":
        return cls(rfc3339(datetime.now(UTC)), clean(name.replace('"', "")), " ".join(clean(reason).split()))

    @classmethod
    def parse(cls, text: str) -> "Ban":
        """Parse the text after the key. Raises ValueError."""
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
    """Split a text into a name and the rest. A name with spaces must be in quotes: a guess could name the wrong person."""
    name, _, rest = text[1:].partition('"') if text.startswith('"') else text.partition(" ")
    return name, rest.strip()
