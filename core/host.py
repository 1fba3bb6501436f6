"""The plugin host: finding, blocking and loading plugins.

Finding reads entry points and imports nothing: the name of an entry point, KIND-NAME, says what it brings. A module is imported
when its layer is chosen or listed, on its own, in a `try`; a broken one is named and set aside, and nothing else is ever
chosen in its place.
"""

import contextlib
import difflib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, cast

import pluggy

from plytalk.core import hookspecs
from plytalk.core.errors import BrokenPlugin, DuplicateLayer, PluginError, UnknownLayer
from plytalk.core.layers import KINDS, Layer
from plytalk.core.properties import Profile
from plytalk.core.sanitise import clean

GROUP = "plytalk"
OURS = "plytalk"


@dataclass(frozen=True)
class Found:
    """An entry point: what it says it brings, and who brings it."""

    kind: str
    name: str
    module: str
    distribution: str
    version: str
    entry_point: EntryPoint

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.name}"

    @property
    def builtin(self) -> bool:
        return self.distribution == OURS


@dataclass(frozen=True)
class Problem:
    """Something wrong with a plugin: where, who brings it, what, and whether it can still be used."""

    key: str
    distribution: str
    error: PluginError
    fatal: bool = True


class Host:
    """The plugins of this process. `blocked` are names (`xor` or `cipher-xor`) or distributions that count as not installed."""

    def __init__(self, blocked: Iterable[str] = (), found: Iterable[EntryPoint] | None = None) -> None:
        self.manager = pluggy.PluginManager("plytalk")
        self.manager.add_hookspecs(hookspecs)
        self.problems: list[Problem] = []
        self._loaded: dict[str, ModuleType] = {}
        self._layers: dict[tuple[str, str], type[Layer]] = {}
        self._profiles: dict[str, Profile] = {}
        self._broken: dict[str, PluginError] = {}
        self.found: dict[tuple[str, str], Found] = {}
        self._taken: dict[tuple[str, str], list[Found]] = {}
        blocked = set(blocked)
        points = entry_points(group=GROUP) if found is None else found
        for one in sorted(map(_read, points), key=lambda one: (not one.builtin, one.distribution, one.key)):
            if not blocked & {one.name, one.key, one.distribution}:
                self._register(one)

    def _register(self, one: Found) -> None:
        if one.kind not in (*KINDS, "profile"):
            kinds = ", ".join((*KINDS, "profile"))
            self._report(
                one,
                BrokenPlugin(
                    f"The entry point `{one.key}` of {one.distribution} is not called KIND-NAME with one of these kinds: {kinds}."
                ),
            )
            return
        first = self.found.setdefault((one.kind, one.name), one)
        if first is one or (first.distribution, first.module) == (one.distribution, one.module):
            return  # the same plugin twice on the path is one plugin
        error = DuplicateLayer(
            f"{one.distribution} brings a {one.kind} called `{one.name}`, a name that {first.distribution} has already taken.",
            f"Uninstall one of them, or block one with -p no:{one.distribution}.",
        )
        self._report(one, error)
        if not first.builtin:  # between strangers neither can be trusted to be the one that was meant
            self._broken[first.key] = error

    # -- what there is, without importing anything -------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        """The names installed for a kind of layer, or for "profile"."""
        return sorted(name for its_kind, name in self.found if its_kind == kind)

    # -- loading -----------------------------------------------------------------------------------------------------------

    def layer(self, kind: str, name: str) -> type[Layer]:
        """Import and give a layer. Raises UnknownLayer (naming the nearest), DuplicateLayer or BrokenPlugin."""
        self._load(self._find(kind, name))
        return self._layers[kind, name]

    def profile(self, name: str) -> Profile:
        """Import and give a profile. Raises as `layer` does."""
        self._load(self._find("profile", name))
        return self._profiles[name]

    def load_all(self) -> None:
        """Import every plugin; what is wrong with them is in `problems` afterwards."""
        for one in list(self.found.values()):
            with contextlib.suppress(PluginError):
                self._load(one)

    def _find(self, kind: str, name: str) -> Found:
        if (kind, name) not in self.found:
            names = self.names(kind)
            near = difflib.get_close_matches(name, names, n=1)
            raise UnknownLayer(
                f"There is no {kind} called `{clean(name)}`.",
                (f"Did you mean `{near[0]}`? " if near else "") + f"Installed: {', '.join(names) or 'none'}.",
            )
        return self.found[kind, name]

    def _load(self, one: Found) -> None:
        if one.key in self._broken:
            raise self._broken[one.key]
        try:
            if one.module not in self._loaded:
                self._loaded[one.module] = self._import(one)
            if (one.kind, one.name) not in self._layers and not (one.kind == "profile" and one.name in self._profiles):
                raise BrokenPlugin(
                    f"The plugin `{one.key}` of {one.distribution} brings no {one.kind} of that name in {one.module}."
                )
        except PluginError as error:
            self._broken[one.key] = error
            self._report(one, error)
            raise

    def _import(self, one: Found) -> ModuleType:
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                module = one.entry_point.load()
                self.manager.register(module, one.module)
                self.manager.check_pending()
                self._collect(one, module)
        except PluginError:
            self._forget(one)
            raise
        except (Exception, SystemExit) as error:
            self._forget(one)
            raise BrokenPlugin(
                f"The plugin `{one.key}` of {one.distribution} does not load: {type(error).__name__}: {clean(str(error))}.",
                f"Repair or uninstall it, or block it with -p no:{one.name}.",
            ) from error
        if text := printed.getvalue():
            loud = PluginError(f"The plugin `{one.key}` of {one.distribution} prints when it is imported: {clean(text[:60])!r}.")
            self._report(one, loud, fatal=False)
        return cast(ModuleType, module)

    def _forget(self, one: Found) -> None:
        if self.manager.has_plugin(one.module):
            self.manager.unregister(name=one.module)

    def _collect(self, one: Found, module: ModuleType) -> None:
        plugin = self.manager.subset_hook_caller
        others = [other for other in self.manager.get_plugins() if other is not module]
        for layer in _flat(plugin("layers", others)()):
            self._keep(one, layer)
        for profile in _flat(plugin("profiles", others)()):
            self._profiles.setdefault(profile.name, profile)

    def _keep(self, one: Found, layer: Any) -> None:
        if not (isinstance(layer, type) and issubclass(layer, Layer) and KINDS.get(getattr(layer, "kind", "")) is not None):
            raise BrokenPlugin(f"The plugin `{one.key}` of {one.distribution} gives {layer!r}, which is no layer class.")
        if missing := getattr(layer, "__abstractmethods__", None):
            raise BrokenPlugin(
                f"The {layer.kind} `{layer.name}` of {one.distribution} does not define {', '.join(sorted(missing))}."
            )
        if not isinstance(getattr(layer, "name", None), str):
            raise BrokenPlugin(f"The class {layer.__name__} of {one.distribution} has no name.")
        registered = self.found.get((layer.kind, layer.name))
        if registered is not None and registered.module == one.module:
            self._layers[layer.kind, layer.name] = layer

    def _report(self, one: Found, error: PluginError, fatal: bool = True) -> None:
        self.problems.append(Problem(one.key, one.distribution, error, fatal))


def _read(point: EntryPoint) -> Found:
    kind, _, name = point.name.partition("-")
    distribution = point.dist.name if point.dist else "?"
    return Found(kind, name, point.value, distribution, point.dist.version if point.dist else "?", point)


def _flat(results: list[Any]) -> list[Any]:
    return [one for result in results for one in result]
