"""Which plugins are installed, read from entry points without importing any of them.

A distribution brings plugins in the entry-point group `plytalk`; the name of each is KIND-NAME, the value its module:

    [project.entry-points.plytalk]
    cipher-xor = "plytalk_cipher_xor"
"""

import re
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import PurePath

from msgspec import Struct

from plytalk.core.contracts.errors import BrokenPlugin, PluginError
from plytalk.core.contracts.kinds import GROUP, KINDS
from plytalk.core.contracts.sanitise import clean

PROFILE, ATTACK = "profile", "attack"
PLUGIN_KINDS = (*KINDS, ATTACK, PROFILE)
"""What a plugin can bring: the kinds of layer, attacks for the lab, and whole stacks under a name."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


class Found(Struct, frozen=True):
    """An entry point: what it says it brings, and who brings it."""

    kind: str
    name: str
    module: str
    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def key(self) -> str:
        """KIND-NAME, as the entry point is called."""
        return f"{self.kind}-{self.name}"

    @property
    def is_reserved(self) -> bool:
        """Whether no other distribution can take its name: it comes from the one after which the group is called."""
        return self.distribution == GROUP

    @property
    def origin(self) -> str:
        """Its origin: distribution and version."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def fault(self) -> PluginError | None:
        """What is wrong with the entry point's own name or value, which can be said without importing anything."""
        if self.kind not in PLUGIN_KINDS or not _NAME.fullmatch(self.name):
            kinds = ", ".join(PLUGIN_KINDS)
            return BrokenPlugin(
                f"The entry point `{self.key}` of {self.origin} is not called KIND-NAME, with a name in lowercase and one "
                f"of these kinds: {kinds}."
            )
        if not all(part.isidentifier() for part in self.module.split(".")):
            return BrokenPlugin(f"The entry point `{self.key}` of {self.origin} names `{self.module}`, which is not a module.")
        return None

    def is_named(self, names: set[str]) -> bool:
        """Whether one of these is its name, its KIND-NAME or its distribution, however that is written."""
        if not names:
            return False
        return bool({self.name, self.key} & names) or _normal(self.distribution) in {_normal(name) for name in names}


def found(point: EntryPoint, distribution: str = "?", version: str = "") -> Found:
    """What an entry point says it brings."""
    kind, _, name = point.name.partition("-")
    return Found(clean(kind), clean(name), clean(point.value), clean(distribution), clean(version), point)


def installed() -> Iterator[Found | PluginError]:
    """Every entry point of the group, ours first; a BrokenPlugin in place of a distribution whose list cannot be read."""
    seen: set[str] = set()
    results: list[Found | PluginError] = []
    for distribution in distributions():
        name = PurePath(str(getattr(distribution, "_path", ""))).name
        concerns_us = name.startswith(GROUP)
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if f"[{GROUP}]" in text:
                concerns_us = True
                results.extend(_read(distribution, seen))
        except Exception as error:  # one damaged distribution must not hide the others
            if concerns_us:
                results.append(BrokenPlugin(f"The metadata in {clean(name)} cannot be read: {type(error).__name__}."))
    yield from sorted(results, key=_ours_first)


def _read(distribution: Distribution, seen: set[str]) -> list[Found]:
    # Not `distribution.metadata`: whether a distribution without metadata is an error depends on the version of Python.
    metadata = message_from_string(distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "")
    name = str(metadata["Name"] or "?")
    if _normal(name) in seen:  # Python imports what comes first on its path
        return []
    seen.add(_normal(name))
    version = str(metadata["Version"] or "")
    return [found(point, name, version) for point in distribution.entry_points if point.group == GROUP]


def _ours_first(one: Found | PluginError) -> tuple[bool, str, str]:
    return (not one.is_reserved, one.distribution, one.key) if isinstance(one, Found) else (True, "", "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
