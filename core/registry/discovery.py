"""Which plugins are installed, read from entry points without importing any of them.

A distribution brings plugins in the entry-point group `plytalk`; the name of each is KIND-NAME, the value its module:

    [project.entry-points.plytalk]
    cipher-xor = "plytalk_cipher_xor"

The metadata in the folders of Python's path are read here: `importlib.metadata` brings the package `email` and takes 8 ms to
import, at each start. It is asked where distributions can be found in another way.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from os import listdir, path
from typing import Protocol

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

    @property
    def key(self) -> str:
        """KIND-NAME, as the entry point is called."""
        return f"{self.kind}-{self.name}" if self.name else self.kind

    @property
    def is_reserved(self) -> bool:
        """Whether no other distribution can take its name: it comes from the one after which the group is called.

        This is about names alone (decision 7), and nothing but the order of names may ask it.
        """
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
            return BrokenPlugin(
                f"The entry point `{self.key}` of {self.origin} names `{self.module}`, which is not a module.",
                "Its value must be the name of a module and nothing else, such as `plytalk_cipher_xor`.",
            )
        return None

    def is_named(self, names: set[str]) -> bool:
        """Whether one of these is its name, its KIND-NAME or its distribution, however that is written."""
        if not names:
            return False
        return bool({self.name, self.key} & names) or _normal(self.distribution) in {_normal(name) for name in names}


class Point(Struct, frozen=True):
    """An entry point, as it is written."""

    name: str
    value: str


def found(point: Point, distribution: str = "?", version: str = "") -> Found:
    """What an entry point says it brings."""
    kind, _, name = point.name.partition("-")
    return Found(clean(kind), clean(name), clean(point.value), clean(distribution), clean(version))


class Metadata(Protocol):
    """The metadata of a distribution, as `importlib.metadata` gives them too."""

    def read_text(self, filename: str, /) -> str | None:
        """The text of one of its files; None if it does not have that file."""


class MetadataFolder:
    """The metadata of a distribution in a folder of Python's path."""

    def __init__(self, folder: str) -> None:
        self._path = folder

    def read_text(self, filename: str) -> str | None:
        absent = suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
        with absent, open(path.join(self._path, filename), encoding="utf-8") as file:
            return file.read()
        return None


def distributions() -> Iterable[Metadata]:
    """Every distribution that Python finds, in the order of its path."""
    others = [finder for finder in sys.meta_path if finder is not PathFinder and hasattr(finder, "find_distributions")]
    is_usual = PathFinder.find_distributions.__module__ == PathFinder.__module__  # and not replaced
    places = list(map(str, sys.path))  # programs put other things into it
    if others or not is_usual or any(place.endswith(".egg") or path.isfile(place) for place in places):
        from importlib import metadata

        return metadata.distributions()
    return _folders(places)


def _folders(places: Iterable[str]) -> Iterator[MetadataFolder]:
    for place in places:
        with suppress(OSError):
            for name in listdir(place or "."):
                if name.lower().endswith((".dist-info", ".egg-info")):
                    yield MetadataFolder(path.join(place, name))


def installed() -> Iterator[Found | PluginError]:
    """Every entry point of the group, ours first; a BrokenPlugin in place of a distribution whose list cannot be read."""
    seen: set[str] = set()
    results: list[Found | PluginError] = []
    for distribution in distributions():
        name = path.basename(str(getattr(distribution, "_path", "")))
        concerns_us = re.match(rf"{GROUP}[-_]", name) is not None
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if f"[{GROUP}]" in text:
                concerns_us = True
                results.extend(_read(distribution, text, seen))
        except Exception as error:  # one damaged distribution must not hide the others
            if concerns_us:
                results.append(BrokenPlugin(f"The metadata in {clean(name)} cannot be read: {type(error).__name__}."))
    yield from sorted(results, key=_ours_first)


def _read(distribution: Metadata, text: str, seen: set[str]) -> list[Found]:
    # Not `Distribution.metadata`: whether a distribution without metadata is an error depends on the version of Python.
    name, version = _name_and_version(distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "")
    if _normal(name) in seen:  # Python imports what comes first on its path
        return []
    seen.add(_normal(name))
    return [found(point, name, version) for point in _points(text)]


def _name_and_version(metadata: str) -> tuple[str, str]:
    """From the headers of metadata, where there are any."""
    headers = dict(line.split(": ", 1) for line in metadata.partition("\n\n")[0].splitlines() if ": " in line)
    return headers.get("Name", "?").strip(), headers.get("Version", "").strip()


def _points(text: str) -> Iterator[Point]:
    """Those of our group in the text of entry_points.txt. Raises TypeError for a line that is none."""
    section = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == GROUP and not line.startswith("#"):
            yield Point(*map(str.strip, line.split("=", 1)))


def _ours_first(one: Found | PluginError) -> tuple[bool, str, str]:
    return (not one.is_reserved, one.distribution, one.key) if isinstance(one, Found) else (True, "", "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
