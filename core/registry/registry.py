"""The plugin registry: it blocks and loads the plugins that were found.

A module is imported when its layer is chosen or listed, on its own, in a `try`. A broken plugin is named and set aside, and
nothing else is ever chosen in its place; a name that two distributions claim belongs to neither, unless one of them is ours.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import pluggy
from msgspec import Struct

from plytalk.core.contracts.errors import BrokenPlugin, DuplicateLayer, PluginError, UnknownLayer
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.properties import Profile
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.source_places import function_location
from plytalk.core.registry import hookspecs
from plytalk.core.registry.discovery import ATTACK, PROFILE, Found, Point, found, installed
from plytalk.core.registry.process_state import SideEffects, keeping_process_state
from plytalk.core.registry.quick_loading import loading
from plytalk.core.registry.validation import HOOKS, fault_of, fault_of_hooks, import_location

if TYPE_CHECKING:
    from plytalk.core.contracts.attack import Attack
    from plytalk.core.stack.selection import Stack

HOOK_OF = {PROFILE: "profiles", ATTACK: "attacks"}
LONGEST = 300  # characters of what third-party code says


class Problem(Struct, frozen=True):
    """Something wrong with a plugin: its KIND-NAME, who brings it, what is wrong, and whether it can be used all the same."""

    key: str
    origin: str
    error: PluginError
    usable: bool = False


class Manager(pluggy.PluginManager):
    """Looks for hooks among the functions of a module or a class: pluggy looks at every attribute, in 6 ms of each start."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> "pluggy.HookimplOpts | None":
        function = vars(plugin).get(name) if isinstance(plugin, ModuleType) else getattr(type(plugin), name, None)
        if isinstance(function, FunctionType | MethodType) and hasattr(function, f"{self.project_name}_impl"):
            return super().parse_hookimpl_opts(plugin, name)
        return None


class Registry:
    """The plugins of this process.

    `blocked` are names (`xor`, `cipher-xor`) or distributions that count as not installed; `points` are entry points to take
    instead of those that are installed. Raises UnknownLayer for a blocked name that nothing has.
    """

    def __init__(self, blocked: Iterable[str] = (), points: Iterable[Point] | None = None) -> None:
        self.manager = Manager("plytalk")
        self.manager.add_hookspecs(hookspecs)
        self.problems: list[Problem] = []
        self.found: dict[tuple[str, str], Found] = {}
        self.blocked: dict[tuple[str, str], Found] = {}
        self._claimed: set[tuple[str, str]] = set()
        self._broken: dict[tuple[str, str], PluginError] = {}
        self._misnamed: dict[tuple[str, str], PluginError] = {}  # those of entry points that name nothing
        self._loaded: dict[str, ModuleType] = {}
        self._brought: dict[str, dict[tuple[str, str], Any]] = {}
        names, there = list(blocked), list(installed() if points is None else map(found, points))
        known = [one for one in there if isinstance(one, Found)]
        self.problems += [Problem("", "", one) for one in there if isinstance(one, PluginError)]
        for name in names:
            if not any(one.is_named({name}) for one in known):
                raise _no_plugin(name, {text for one in known for text in (one.name, one.key, one.distribution)})
        for one in known:
            self._register(one, one.is_named(set(names)))

    def _register(self, one: Found, blocked: bool) -> None:
        self._claimed.add((one.module, one.key))
        if blocked:
            self.blocked[one.kind, one.name] = one
            return
        if fault := one.fault:
            self._misnamed[one.kind, one.name] = fault
            self._report(one, fault)
            return
        first = self.found.setdefault((one.kind, one.name), one)
        if first is one:
            return
        what = f"{one.origin} brings a {one.kind} called `{one.name}`"
        error = DuplicateLayer(
            f"{what}, a name that {first.origin} has taken already.",
            f"Uninstall one of them, or block one with -p no:{one.distribution}.",
        )
        if first.distribution == one.distribution:
            todo = f"Repair it, uninstall it, or block it with -p no:{one.distribution}."
            error = DuplicateLayer(f"{what} twice, in `{first.module}` and in `{one.module}`.", todo)
        self._report(one, error)
        if not first.is_reserved and (first.kind, first.name) not in self._broken:
            # Between strangers neither can be trusted to be the one that was meant.
            self._set_aside(first, error)

    # -- what there is, without importing anything -------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        """The names installed for a kind of layer, or for "profile"."""
        return sorted(name for its_kind, name in self.found if its_kind == kind)

    def brings_profiles(self, distribution: str) -> bool:
        """Whether a distribution brings whole stacks. The lab attacks those; of the others it attacks each layer by itself."""
        return any(kind == PROFILE and one.distribution == distribution for (kind, _), one in self.found.items())

    # -- loading -----------------------------------------------------------------------------------------------------------

    def layer(self, kind: str, name: str) -> type[Layer]:
        """Import and give a layer. Raises UnknownLayer (naming the nearest), DuplicateLayer or BrokenPlugin.

        An empty name means the one that the default profile has for this kind where nothing else decides.
        """
        layer: type[Layer] = self._load(self._find(kind, name or self.default_profile.otherwise.get(kind, "")))
        return layer

    def attack(self, name: str) -> "type[Attack]":
        """Import and give an attack. Raises as `layer` does."""
        attack: type[Attack] = self._load(self._find(ATTACK, name))
        return attack

    def profile(self, name: str) -> Profile:
        """Import and give a profile. Raises as `layer` does."""
        profile: Profile = self._load(self._find(PROFILE, name))
        return profile

    def layers(self, kinds: Collection[str], everywhere: bool = True) -> list[type[Layer]]:
        """Import and give all layers of these kinds that work; unless `everywhere`, of distributions that bring profiles alone.

        To choose a stack, code of these is imported anyway.
        """

        def wanted(one: Found) -> bool:
            return one.kind in kinds and (everywhere or self.brings_profiles(one.distribution))

        return [layer for _, layer in self._working(wanted)]

    def profiles(self) -> list[Profile]:
        """Import and give all profiles that work."""
        return [profile for _, profile in self._working(lambda one: one.kind == PROFILE)]

    @property
    def default_profile(self) -> Profile:
        """The profile that counts where nobody chooses. Raises UnknownLayer where none says so, or more than one."""
        defaults = [profile for profile in self.profiles() if profile.is_default]
        if len(defaults) == 1:
            return defaults[0]
        said = " and ".join(f"`{profile.name}`" for profile in defaults)
        raise UnknownLayer(
            f"The profiles {said} are each the default." if said else "No installed profile is the default.",
            "Choose one with --profile.",
        )

    def load_all(self) -> list[tuple[Found, "type[Layer] | type[Attack] | Profile"]]:
        """Import every plugin and give those that work; what is wrong with the others is in `problems` afterwards."""
        return list(self._working(lambda one: True))

    def _working(self, wanted: Callable[[Found], bool]) -> Iterator[tuple[Found, Any]]:
        for one in filter(wanted, tuple(self.found.values())):
            with contextlib.suppress(PluginError):
                yield one, self._load(one)

    def hear(self, stack: "Stack") -> None:
        """Let the features and authenticators of a stack hear the hooks by their methods too. Raises BrokenPlugin."""
        for layer in (*stack.auths, *stack.features):
            try:
                self.manager.register(layer)
                self.manager.check_pending()
            except Exception as error:
                said = fault_of_hooks(vars(type(layer))) or f"{_short(error)}."
                raise BrokenPlugin(f"The {layer.kind} `{layer.name}` has hooks that do not fit: {said}") from error

    def _find(self, kind: str, name: str) -> Found:
        if (kind, name) in self.found:
            return self.found[kind, name]
        if (kind, name) in self.blocked:
            raise UnknownLayer(f"The {kind} `{name}` is blocked by -p no:NAME.", f"Choose another {kind}, or do not block it.")
        if (kind, name) in self._misnamed:
            raise self._misnamed[kind, name]
        names = self.names(kind)
        near = nearest(name, names)
        raise UnknownLayer(
            f"There {'are' if kind == 'messages' else 'is'} no {kind} called `{clean(name)}`.",
            (f"Did you mean `{near[0]}`? " if near else "") + f"Installed: {', '.join(names) or 'none'}.",
        )

    def _load(self, one: Found) -> Any:
        what = (one.kind, one.name)
        if what in self._broken:
            raise self._broken[what]
        try:
            if one.module not in self._loaded:
                self._loaded[one.module] = self._import(one)
            brought = self._brought[one.module]
            if what not in brought:
                there = ", ".join(f"{kind}-{name}" for kind, name in brought) or "nothing"
                raise BrokenPlugin(
                    f"The module `{one.module}` of {one.origin} brings no {one.key}; it brings {there}.",
                    f"What a module brings is what its hook `{HOOK_OF.get(one.kind, 'layers')}` gives, by the attribute `name`: "
                    f"see {clean(str(self._loaded[one.module].__file__))}.",
                )
        except PluginError as error:
            self._set_aside(one, error)
            raise
        return brought[what]

    def _import(self, one: Found) -> ModuleType:
        waited = f"The plugin `{one.key}` of {one.origin} was still being imported. To do without it: -p no:{one.key}."
        try:
            with loading(), keeping_process_state(waited) as effects:
                module: ModuleType = import_module(one.module)
                if fault := fault_of_hooks(vars(module)):
                    raise BrokenPlugin(f"The plugin `{one.key}` of {one.origin} is broken: {fault}")
                self.manager.register(module, one.module)
                self.manager.check_pending()
                self._brought[one.module] = dict(self._collect(one, module))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin that exits on import is broken like any other
            if self.manager.has_plugin(one.module):
                self.manager.unregister(name=one.module)
            if isinstance(error, PluginError):
                raise
            raise BrokenPlugin(
                f"The plugin `{one.key}` of {one.origin} does not load: {type(error).__name__}: {_short(error)}."
                f"{import_location(error, one.module)}",
                f"Repair it, uninstall {one.distribution}, or block it with -p no:{one.key}.",
            ) from error
        self._remark(one, effects)
        return module

    def _collect(self, one: Found, module: ModuleType) -> Iterator[tuple[tuple[str, str], Any]]:
        others = [other for other in self.manager.get_plugins() if other is not module]
        for hook in HOOKS:
            for given in self.manager.subset_hook_caller(hook, others)():
                if not isinstance(given, list | tuple):
                    location = f" See {function_location(vars(module)[hook])}."
                    said = f"The hook `{hook}` of {one.origin} gives {_short(repr(given))}, which is not a list.{location}"
                    raise BrokenPlugin(said)
                for brought in given:
                    if fault := fault_of(brought, hook):
                        raise BrokenPlugin(f"The plugin `{one.key}` of {one.origin} is broken: {fault}")
                    yield (getattr(brought, "kind", PROFILE), brought.name), brought

    def _remark(self, one: Found, effects: SideEffects) -> None:
        """Report what does not keep the plugin from being used."""
        remarks = [
            f"The plugin `{one.key}` of {one.origin} brings {kind}-{name}, which no entry point names, so nobody can choose it."
            for kind, name in self._brought[one.module]
            if (one.module, f"{kind}-{name}") not in self._claimed
        ]
        if printed := effects.printed.getvalue():
            remarks.append(f"The plugin `{one.key}` of {one.origin} prints when it is imported: {_short(printed)!r}.")
        for changed, end in ((effects.changed, "This was undone."), (effects.left, "This could not be undone.")):
            if changed:
                what = " and ".join(changed)
                remarks.append(f"The plugin `{one.key}` of {one.origin} changes {what} when it is imported. {end}")
        self.problems += [Problem(one.key, one.origin, PluginError(remark), usable=True) for remark in remarks]

    def _set_aside(self, one: Found, error: PluginError) -> None:
        self._broken[one.kind, one.name] = error
        self._report(one, error)

    def _report(self, one: Found, error: PluginError) -> None:
        self.problems.append(Problem(one.key, one.origin, error))


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """The name that was meant, if one is near."""
    from difflib import get_close_matches  # for mistakes alone

    return get_close_matches(name, names, n=1)


def _no_plugin(name: str, names: Iterable[str]) -> UnknownLayer:
    near = nearest(name, names)
    return UnknownLayer(
        f"There is no plugin called `{clean(name)}` that could be blocked.",
        (f"Did you mean no:{near[0]}? " if near else "") + "`chat plugins` lists them.",
    )


def _short(said: object) -> str:
    text = clean(" ".join(str(said).split())).rstrip(".")
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
