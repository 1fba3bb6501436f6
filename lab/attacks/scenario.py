"""Which stacks the lab attacks: every profile, in the variants its handshake names, with and without a known key, and with each
authenticator that both ends need alike; and, of distributions that bring no profile, the stack that each layer makes.

Each setup has its own folder for a while, in which client, server and attacker keep their keys: nothing of the user's is
read.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ImpossibleStack, PluginError
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import HasVariants, KeepsKeys, RevokesKeys
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Profile, Property
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose, refuse_impossible
from plytalk.trust.files import write

ATTACKER = "attacker"
BOTH = "client and server"
SINGLE_LAYERS = ("framer", "handshake", "cipher", "messages", "auth")
IN_MEMORY = "memory"

Classes = Mapping[str, Sequence[type[Layer]]]


@dataclass(frozen=True)
class Scenario:
    """A stack under a name, with the options that both ends are given; `auths` judge the server at the client's end.

    What two ends need alike, both have; the attacker has it as well, with its own secret.
    """

    name: str
    classes: Classes
    auths: tuple[type[Layer], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def stack(self, who: str, folder: Path, known: Sequence[Profile] = ()) -> Stack:
        """The stack of one end, or of the attacker, with its own files in the folder. Raises ChatError."""
        classes = {**self.classes, "auth": [auth for auth in self.auths if who == judge_of(auth).value or on_both_ends(auth)]}
        options = dict(self.options)
        own = folder / who
        own.mkdir(parents=True, exist_ok=True)
        for layer in (layer for layers in classes.values() for layer in layers):
            for option in layer.options:
                if option.type is Path and issubclass(layer, Authenticator) and layer.agrees:
                    options.setdefault(option.keyword, _secret(folder / (who if who == ATTACKER else BOTH) / option.name))
                elif option.type is Path:
                    options.setdefault(option.keyword, own / option.name)
                elif option.name.endswith("accept-new"):  # the first conversation makes the acquaintance
                    options.setdefault(option.keyword, True)
        return Stack.build(classes, options, known)

    @property
    def wants_keys(self) -> bool:
        """Whether the ends must be told each other's keys before anything else."""
        return False

    def told(self, keys: Mapping[str, Identity], folder: Path) -> "Scenario":
        """The setup for ends that know these keys, of the client, the server and the attacker."""
        return self


@dataclass(frozen=True)
class Introduction(Scenario):
    """A setup whose judging end was given the other end's key beforehand; with `revoked` also that the attacker's is revoked.

    `before` stands at the beginning of its files, as some editors leave it there.
    """

    revoked: bool = False
    before: bytes = b""
    known: Mapping[Path, bytes] = field(default_factory=dict)

    @property
    def wants_keys(self) -> bool:
        return True

    def told(self, keys: Mapping[str, Identity], folder: Path) -> Scenario:
        [auth] = self.auths
        assert issubclass(auth, KeepsKeys)
        judge = judge_of(auth)
        options = {**self.options, **auth.knowing(keys[judge.other.value], folder / judge.value)}
        if self.revoked:
            assert issubclass(auth, RevokesKeys)
            auth.knowing(keys[ATTACKER], folder / judge.value)
            auth.revoking(keys[ATTACKER], folder / judge.value)
        known = {file: self.before + file.read_bytes() for file in options.values() if isinstance(file, Path) and file.exists()}
        return replace(self, options=options, known=known)

    def stack(self, who: str, folder: Path, known: Sequence[Profile] = ()) -> Stack:
        for file, content in self.known.items():  # nothing that was learned in one conversation helps in the next
            write(file, content)
        return super().stack(who, folder, known)


def judge_of(auth: type[Layer]) -> Role:
    """The end that judges where one end does."""
    return Role.INITIATOR if not issubclass(auth, Authenticator) or Role.INITIATOR in auth.judges else Role.RESPONDER


def on_both_ends(auth: type[Layer]) -> bool:
    """Whether the other end must be given this authenticator, too."""
    return issubclass(auth, Authenticator) and bool(auth.agrees or auth.other_side)


def _secret(file: Path) -> Path:
    """A file with a pre-shared key, made when it is first asked for."""
    if not file.exists():
        write(file, token_hex(32).encode())
    return file


def scenarios(registry: Registry) -> Iterator[Scenario]:
    """Every setup that the installed plugins make; a stack that cannot work is none."""
    for name in registry.names("profile"):
        yield from _of_profile(registry, registry.profile(name))
    for (kind, name), found in registry.found.items():
        if kind in SINGLE_LAYERS and not registry.brings_profiles(found.distribution):
            try:
                yield from _of_layer(registry, kind, name)
            except PluginError:
                continue


def _of_profile(registry: Registry, profile: Profile) -> Iterator[Scenario]:
    classes = _complete(registry, {kind: [name] for kind, name in profile.layers.items()})
    handshake = registry.layer("handshake", profile.layers["handshake"])
    variants: Mapping[str, Mapping[str, Any]] = handshake.variants if isinstance(handshake, HasVariants) else {"": {}}
    auths = _authenticators(registry, registry.found["profile", profile.name].distribution)
    for variant, options in variants.items():
        configured = {kind: [layer.configured(options) for layer in layers] for kind, layers in classes.items()}
        name = " ".join(filter(None, (profile.name, variant)))
        yield Scenario(name, configured, options=options)
        if not variant:
            yield from _agreed(auths, Scenario(name, configured, options=options))
        if (wanted := handshake.prefers.get("auth")) and Property.PEER_KEY in handshake.gives:
            yield Scenario(f"{name} pinned", configured, (registry.layer("auth", wanted),), options)
        if not variant:
            yield from _introduced(auths, Scenario(name, configured, options=options))


def _authenticators(registry: Registry, distribution: str) -> list[type[Layer]]:
    """The authenticators of one distribution, by name."""
    names = (name for name in registry.names("auth") if registry.found["auth", name].distribution == distribution)
    return [registry.layer("auth", name) for name in names]


def _agreed(auths: Sequence[type[Layer]], plain: Scenario) -> Iterator[Scenario]:
    """With each authenticator that both ends need alike, where the stack has room for it."""
    for auth in auths:
        if on_both_ends(auth):
            try:
                refuse_impossible({**plain.classes, "auth": [auth]})
            except ImpossibleStack:
                continue
            yield replace(plain, name=f"{plain.name} {auth.name}", auths=(auth,))


def _introduced(auths: Sequence[type[Layer]], plain: Scenario) -> Iterator[Scenario]:
    """With each authenticator that can be told a key beforehand, or that one is revoked."""
    [handshake] = plain.classes["handshake"]
    assert issubclass(handshake, Handshake)
    for auth in auths:
        if not issubclass(auth, KeepsKeys) or judge_of(auth).other not in handshake.shows:
            continue
        if not issubclass(auth, RevokesKeys):
            yield Introduction(f"{plain.name} {auth.name}", plain.classes, (auth,), plain.options)
        elif auth.name == handshake.prefers.get("auth"):  # it remembers such keys; that is the setup `pinned`
            yield Introduction(f"{plain.name} revoked", plain.classes, (auth,), plain.options, revoked=True)
            yield Introduction(f"{plain.name} bom", plain.classes, (auth,), plain.options, before=BOM_UTF8)


def _of_layer(registry: Registry, kind: str, name: str) -> Iterator[Scenario]:
    classes = _complete(registry, {kind: [name]})
    auths = tuple(classes.pop("auth", ()))
    try:
        refuse_impossible({**classes, "auth": auths})
    except ImpossibleStack:
        return
    yield Scenario(f"{kind} {name}", classes, auths)


def _complete(registry: Registry, given: dict[str, list[str]]) -> dict[str, list[type[Layer]]]:
    classes = choose({**given, "transport": [IN_MEMORY]}, {}, registry.layer)
    return {kind: classes[kind] for kind in KINDS if kind in classes}
