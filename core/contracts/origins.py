"""Which distribution brings a module, and as which plugin, by the entry points of all that are installed."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING

from msgspec import Struct

from plytalk.core.contracts.kinds import GROUP
from plytalk.core.contracts.sanitise import clean

if TYPE_CHECKING:
    from importlib.metadata import Distribution


class Owner(Struct, frozen=True):
    """The distribution that brings a module, with its version, and the plugins of it that are in this module."""

    distribution: str
    keys: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How a sentence begins that is about the module."""
        plugin = f"The plugin `{self.keys[0]}`" if len(self.keys) == 1 else "A plugin"
        return f"{plugin} of {self.distribution}"


class Owners:
    """The owners of all modules. A distribution owns what its entry points name, and the package that they have in common."""

    def __init__(self) -> None:
        self._modules: dict[str, Owner] = {}
        self._packages: dict[str, Owner] = {}
        if sys.is_finalizing():  # nothing can be imported any more
            return
        from importlib.metadata import distributions  # it takes longer to import than a fault is worth at each start

        for distribution in distributions():
            with suppress(Exception):  # one that is damaged does not hide whose fault something is
                self._read(distribution)

    def _read(self, distribution: "Distribution") -> None:
        keys: dict[str, tuple[str, ...]] = {}
        for point in distribution.entry_points:
            if point.group == GROUP:
                keys[point.value] = (*keys.get(point.value, ()), clean(point.name))
        if keys:
            self._add(clean(f"{distribution.name or '?'} {distribution.version or '?'}"), keys)

    def _add(self, distribution: str, keys: dict[str, tuple[str, ...]]) -> None:
        for module, own in keys.items():
            self._modules.setdefault(module, Owner(distribution, own))
        if package := package_of(keys):
            own = next(iter(keys.values())) if len(keys) == 1 else ()
            self._packages.setdefault(package, Owner(distribution, own))

    def of(self, module: str) -> Owner | None:
        """The owner of a module; None for one that no plugin brings, such as Python's."""
        parts = module.split(".")
        packages = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return self._modules.get(module) or next((self._packages[one] for one in packages if one in self._packages), None)


def package_of(modules: Iterable[str]) -> str:
    """The package in which all these modules are, or the only one where it is in none; empty where they have none in common."""
    paths = [module.split(".") for module in modules]
    common = [parts[0] for parts in takewhile(lambda parts: len({*parts}) == 1, zip(*paths, strict=False))]
    return ".".join((common[:-1] or common) if len(paths) == 1 else common)


def origin(module: str) -> str:
    """The distribution that brings a module, and its version; the module itself where none does."""
    owner = Owners().of(module)
    return owner.distribution if owner else clean(module)
