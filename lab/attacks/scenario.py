"""Which stacks the lab attacks: every profile, in the variants that its handshake names, with and without a known key, and with
each authenticator that both sides need; and a stack for each layer that no profile has. Each scenario has a temporary folder in
which client, server and attacker keep their keys: no file of the user is read.
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import Any

from msgspec import structs

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ImpossibleStack, PluginError, UnknownLayer, Usage
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import HasVariants, KeepsKeys, RevokesKeys
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Profile, Property
from plytalk.core.contracts.transport import PassesThrough
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named, refuse_impossible
from plytalk.trust.files import write

ATTACKER = "attacker"
BOTH = "client and server"
ATTACKED = ("framer", "handshake", "cipher", "messages", "auth")
"""The kinds of layer that decide the outcome of an attack."""
IN_MEMORY = "memory"
FIRST_CONTACT = "--accept-new"
REVOKED, WITH_MARK = "revoked", "bom"
"""Files of known keys: one in which the attacker's key is revoked, and one that begins with a byte order mark."""
REMEMBERED = "remembered"
"""The folder of what a side's authenticators keep."""

Classes = Mapping[str, Sequence[type[Layer]]]


@dataclass(frozen=True)
class Scenario:
    """A stack under a name, with the options of both sides; the client uses `auths` to judge the server.

    An authenticator that both sides need is given to both, and to the attacker with another secret.
    """

    name: str
    classes: Classes
    auths: tuple[type[Layer], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    first_contact: bool = False
    """Whether the participants meet for the first time in each conversation, and accept each other's keys unseen."""

    @property
    def layers(self) -> Sequence[type[Layer]]:
        return *self.auths, *(layer for layers in self.classes.values() for layer in layers)

    def stack(self, who: str, folder: Path, known: Sequence[Profile] = ()) -> Stack:
        """The stack of the client, the server or the attacker, with its own files in the folder. Raises ChatError."""
        if self.first_contact:
            rmtree(folder / who / REMEMBERED, ignore_errors=True)
        auths = [auth for auth in self.auths if who == judging_role(auth).value or needed_by_both(auth)]
        classes = {**self.classes, "auth": auths}
        options, own = dict(self.options), folder / who
        own.mkdir(parents=True, exist_ok=True)
        for layer in (layer for layers in classes.values() for layer in layers):
            for option in layer.options:
                if option.type is Path and issubclass(layer, Authenticator) and layer.agrees:
                    options.setdefault(option.keyword, _secret(folder / (who if who == ATTACKER else BOTH) / option.name))
                elif option.type is Path and layer in auths:
                    (own / REMEMBERED).mkdir(exist_ok=True)
                    options.setdefault(option.keyword, own / REMEMBERED / option.name)
                elif option.type is Path:
                    options.setdefault(option.keyword, own / option.name)
                elif option.name.endswith("accept-new"):  # they learn each other's keys in the first conversation
                    options.setdefault(option.keyword, True)
        return Stack.build(classes, options, known)

    def as_known(self, stack: Stack) -> Stack:
        """The stack as its properties are to be read: an authenticator that remembers keys gives nothing at first contact."""
        return structs.replace(stack, auths=()) if self.first_contact else stack

    @property
    def needs_keys(self) -> bool:
        """Whether `with_keys` must be called first."""
        return False

    def with_keys(self, keys: Mapping[str, Identity], folder: Path) -> "Scenario":
        """The scenario for participants that know these keys, of the client, the server and the attacker."""
        return self


@dataclass(frozen=True)
class KnownKeyScenario(Scenario):
    """A scenario whose judging side was given the other side's key in advance; with `revoked` it also has the attacker's key,
    revoked. Its files begin with `prefix`, as some editors write one.
    """

    revoked: bool = False
    prefix: bytes = b""
    known: Mapping[Path, bytes] = field(default_factory=dict)

    @property
    def needs_keys(self) -> bool:
        return True

    def with_keys(self, keys: Mapping[str, Identity], folder: Path) -> Scenario:
        [auth] = self.auths
        assert issubclass(auth, KeepsKeys)
        judge = judging_role(auth)
        options = {**self.options, **auth.knowing(keys[judge.other.value], folder / judge.value)}
        if self.revoked:
            assert issubclass(auth, RevokesKeys)
            auth.knowing(keys[ATTACKER], folder / judge.value)
            auth.revoking(keys[ATTACKER], folder / judge.value)
        known = {file: self.prefix + file.read_bytes() for file in options.values() if isinstance(file, Path) and file.exists()}
        return replace(self, options=options, known=known)

    def stack(self, who: str, folder: Path, known: Sequence[Profile] = ()) -> Stack:
        for file, content in self.known.items():  # nothing that was learned in one conversation helps in the next
            write(file, content)
        return super().stack(who, folder, known)


def judging_role(auth: type[Layer]) -> Role:
    """The role in which this authenticator is used, where one side uses it."""
    return Role.INITIATOR if not issubclass(auth, Authenticator) or Role.INITIATOR in auth.judges else Role.RESPONDER


def needed_by_both(auth: type[Layer]) -> bool:
    """Whether the other side needs this authenticator, too."""
    return issubclass(auth, Authenticator) and bool(auth.agrees or auth.other_side)


def _secret(file: Path) -> Path:
    """A file with a pre-shared key, created when it is first needed."""
    if not file.exists():
        write(file, token_hex(32).encode())
    return file


def scenarios(registry: Registry) -> Iterator[Scenario]:
    """Every scenario of the installed plugins. Stacks that cannot work are left out."""
    covered: set[tuple[str, str]] = set()
    found: dict[str, Scenario] = {}
    for name in registry.names("profile"):
        for scenario in _of_profile(registry, registry.profile(name)):
            covered |= {(layer.kind, layer.name) for layer in scenario.layers}
            found[scenario.name] = scenario
            yield scenario
    yield from _through_others(registry, found)
    for kind, name in registry.found:
        if kind in ATTACKED and (kind, name) not in covered:
            with suppress(PluginError, ImpossibleStack):
                yield _of_other_layer(registry, kind, name)


def _through_others(registry: Registry, found: Mapping[str, Scenario]) -> Iterator[Scenario]:
    """Some of the stacks over each transport that goes through a third party."""
    for name in registry.names("transport"):
        with suppress(PluginError):
            transport = registry.layer("transport", name)
            if issubclass(transport, PassesThrough):
                for stack in transport.attacked_as():
                    if scenario := found.get(stack):
                        classes = {**scenario.classes, "transport": [transport]}
                        yield replace(scenario, name=f"{stack} --transport {name}", classes=classes)


def find(every: Sequence[Scenario], name: str) -> Scenario:
    """The scenario of this name; a layer's may be written without the dashes, as in `cipher mine`. Raises Usage."""
    if found := [scenario for scenario in every if name in (scenario.name, scenario.name.removeprefix("--"))]:
        return found[0]
    kind, _, layer = name.removeprefix("--").partition(" ")
    if having := [scenario.name for scenario in every if layer in _names(scenario.classes, kind)]:
        raise Usage(f"The lab has no stack {name!r}.", f"That layer is attacked in {having[0]!r}.")
    names = [scenario.name for scenario in every]
    near = f"Did you mean {close[0]!r}? " if (close := get_close_matches(name, names, n=1)) else ""
    raise Usage(f"The lab has no stack {name!r}.", f"{near}It has: {', '.join(names)}.")


def nearest(every: Iterable[Scenario], layer: type[Layer], chosen: Classes) -> Scenario | None:
    """Of the scenarios with this layer, the one that has most layers in common with a stack; None where none has it."""

    def common(scenario: Scenario) -> int:
        return sum(_names(scenario.classes, kind) == _names(chosen, kind) for kind in ATTACKED)

    return max((scenario for scenario in every if layer in scenario.layers), key=common, default=None)


def _names(classes: Classes, kind: str) -> list[str]:
    return [layer.name for layer in classes.get(kind, ())]


def _of_profile(registry: Registry, profile: Profile) -> Iterator[Scenario]:
    """The profile as it runs, at first contact too, in each variant; and with each authenticator that it can have besides."""
    classes = _complete(registry, profile.layers)
    handshake = registry.layer("handshake", profile.layers["handshake"])
    variants: Mapping[str, Mapping[str, Any]] = handshake.variants if isinstance(handshake, HasVariants) else {"": {}}
    for options in variants.values():
        configured = {kind: [layer.configured(options) for layer in layers] for kind, layers in classes.items()}
        plain = Scenario(" ".join((profile.name, *map(written, options.items()))), configured, options=options)
        if (wanted := handshake.prefers.get("auth")) and Property.PEER_KEY in handshake.gives:
            usual = replace(plain, auths=(registry.layer("auth", wanted),))
            yield replace(usual, classes={**usual.classes, "feature": _features(registry, usual.classes)})
            yield replace(usual, name=f"{plain.name} {FIRST_CONTACT}", first_contact=True)
        else:
            yield plain
        if not options:
            yield from _agreed(registry, plain)
            yield from _introduced(registry, plain)


def _features(registry: Registry, classes: Classes) -> list[type[Layer]]:
    """The features that the messages prefer, such as rooms."""
    [messages] = classes["messages"]
    wanted = messages.prefers.get("feature")
    return [registry.layer("feature", wanted)] if wanted and ("feature", wanted) in registry.found else []


def written(option: tuple[str, Any]) -> str:
    """An option as its user writes it."""
    keyword, value = option
    return f"--{keyword.replace('_', '-')} {value}"


def choice_of(auth: type[Layer]) -> str:
    """How a user chooses an authenticator: by an option that it brings, or by its name."""
    for option in auth.options:
        if option.chooses:
            return f"--{option.name}" if option.type is bool else f"--{option.name} {option.metavar}"
    return f"--auth {auth.name}"


def _agreed(registry: Registry, plain: Scenario) -> Iterator[Scenario]:
    """With each authenticator that both sides need, where the stack has room for it."""
    for auth in _authenticators(registry, plain.classes):
        if needed_by_both(auth):
            yield replace(plain, name=f"{plain.name} {choice_of(auth)}", auths=(auth,))


def _introduced(registry: Registry, plain: Scenario) -> Iterator[Scenario]:
    """With each authenticator that can be told a key in advance, or that one is revoked."""
    [handshake] = plain.classes["handshake"]
    assert issubclass(handshake, Handshake)
    for auth in _authenticators(registry, plain.classes):
        if not issubclass(auth, KeepsKeys) or judging_role(auth).other not in handshake.shows:
            continue
        told = KnownKeyScenario(f"{plain.name} {choice_of(auth)}", plain.classes, (auth,), plain.options)
        if not issubclass(auth, RevokesKeys):
            yield told
        elif auth.name == handshake.prefers.get("auth"):  # it remembers such keys: that is the profile as it runs
            yield replace(told, name=f"{plain.name} --{auth.name} {REVOKED}", revoked=True)
            yield replace(told, name=f"{plain.name} --{auth.name} {WITH_MARK}", prefix=BOM_UTF8)


def _authenticators(registry: Registry, classes: Classes) -> Iterator[type[Layer]]:
    """The authenticators that can work in this stack."""
    for name in registry.names("auth"):
        with suppress(PluginError, ImpossibleStack):
            auth = registry.layer("auth", name)
            refuse_impossible({**classes, "auth": [auth]})
            yield auth


def scenario_of_layer(registry: Registry, kind: str, name: str) -> Scenario:
    """The stack that one layer makes. Raises ImpossibleStack."""
    classes = _complete(registry, {kind: name})
    auths = tuple(classes.pop("auth", ()))
    refuse_impossible({**classes, "auth": auths})
    return Scenario(f"--{kind} {name}", classes, auths)


def _of_other_layer(registry: Registry, kind: str, name: str) -> Scenario:
    """The stack that one layer makes or, of an authenticator that prefers none, the default with it. Raises ImpossibleStack."""
    try:
        return scenario_of_layer(registry, kind, name)
    except (ImpossibleStack, UnknownLayer):
        if kind != Authenticator.kind:
            raise
        return _with_default(registry, name)


def _with_default(registry: Registry, name: str) -> Scenario:
    """The default stack with an authenticator that prefers no stack. Raises ImpossibleStack."""
    profile, auth = registry.default_profile, registry.layer(Authenticator.kind, name)
    classes = _complete(registry, profile.layers)
    refuse_impossible({**classes, Authenticator.kind: [auth]})
    return Scenario(f"{profile.name} {choice_of(auth)}", classes, (auth,))


def _complete(registry: Registry, names: Mapping[str, str]) -> dict[str, list[type[Layer]]]:
    classes = choose_named({**names, "transport": IN_MEMORY}, registry.layer)
    return {kind: classes[kind] for kind in KINDS if kind in classes}
