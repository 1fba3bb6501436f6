"""The layers that the command line, the environment and the config file choose together.

Precedence: flag, environment, profile, config file, default.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plytalk.core.contracts.errors import BrokenPlugin, ChatError, Usage
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.properties import Profile
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose

ALWAYS_FROM_CONFIG = ("transport", "ui", "auth", "feature")  # these do not decide what the rest of the stack is
IDENTIFYING = ("framer", "handshake", "cipher", "messages")


@dataclass
class Choice:
    """What the command line, the environment and the config file came to."""

    registry: Registry
    classes: dict[str, list[type[Layer]]]
    profile: Profile | None
    settings: Mapping[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    def stack(self) -> Stack:
        """The stack, made. Raises ImpossibleStack."""
        return Stack.build(self.classes, self.options, self.registry.profiles())

    def guest(self, profile: str) -> Stack:
        """A stack for guests who speak an existing chat. Raises Usage where its layers belong to another."""
        classes = choose({kind: [name] for kind, name in self.registry.profile(profile).layers.items()}, {}, self.registry.layer)
        if any("auth" in layer.prefers for layers in classes.values() for layer in layers):
            raise Usage(f"{profile} is not an existing chat: its users do not need --guests.", "Leave it out of --guests.")
        return Stack.build({**classes, "transport": self.classes["transport"], "ui": self.classes["ui"]}, self.options)

    def pin(self, fingerprint: str) -> None:
        """Talk to this key alone, in place of what decides when nobody chose. Raises Usage if another one was given."""
        if self.options.setdefault("peer", fingerprint) != fingerprint:
            raise Usage(f"--peer names a different key than the stored one, {fingerprint}.", "Leave out --peer, or the name.")
        replaced = ("peer", self.classes["handshake"][0].prefers.get("auth"))
        others = [layer for layer in self.classes.get("auth", []) if layer.name not in replaced]
        self.classes["auth"] = [self.registry.layer("auth", "peer"), *others]

    @property
    def named(self) -> Profile | None:
        """The profile that consists of these layers, however they were chosen."""
        return match(self.registry, {kind: layers[0].name for kind, layers in self.classes.items() if layers})

    @property
    def port(self) -> int:
        if self.profile:
            return self.profile.port
        port: int = self.settings.get("port") or (self.named or self.registry.default_profile).port
        return port


def with_options(choice: Choice, kinds: Collection[str], everywhere: bool = True) -> list[type[Layer]]:
    """The layers whose options are understood: the chosen ones, and all others of these kinds that work (`Registry.layers`)."""
    layers = [layer for chosen in choice.classes.values() for layer in chosen]
    for layer in choice.registry.layers(kinds, everywhere):
        if layer not in layers:
            layers.append(layer)
    return layers


def with_configuration(layer: type[Layer], options: Mapping[str, Any]) -> type[Layer]:
    """The layer as these options make it. Raises what it raises as a ChatError, and BrokenPlugin for anything else."""
    try:
        made = layer.configured(options)
    except ChatError:
        raise
    except Exception as error:
        raise BrokenPlugin(f"The {layer.kind} `{layer.name}` cannot be configured: it raised {type(error).__name__}.") from error
    if not (isinstance(made, type) and issubclass(made, layer)):
        raise BrokenPlugin(f"The {layer.kind} `{layer.name}` cannot be configured: it gives {type(made).__name__}, and no layer.")
    return made


def resolve(
    registry: Registry, given: Mapping[str, Sequence[str]], profile: Profile | None, settings: Mapping[str, Any]
) -> dict[str, list[type[Layer]]]:
    """The layers that these choices come to. Raises PluginError."""
    chosen = dict(given)
    for kind, name in (profile.layers if profile else {}).items():
        chosen.setdefault(kind, [name])
    from_config = {kind: _names(kind, settings[kind]) for kind in KINDS if kind in settings}
    for kind in ALWAYS_FROM_CONFIG:
        if kind in from_config:
            chosen.setdefault(kind, from_config[kind])
    if any(kind in chosen for kind in IDENTIFYING):
        return choose(chosen, registry.default_profile.layers, registry.layer)
    if any(kind in from_config for kind in IDENTIFYING) or "profile" in settings:
        return resolve(
            registry, {**from_config, **chosen}, registry.profile(settings["profile"]) if "profile" in settings else None, {}
        )
    return choose(chosen, registry.default_profile.layers, registry.layer)


def match(registry: Registry, names: Mapping[str, str]) -> Profile | None:
    """The installed profile with these framer, handshake, cipher and messages."""
    for profile in registry.profiles():
        if all(profile.layers.get(kind) == names.get(kind) for kind in IDENTIFYING):
            return profile
    return None


def _names(kind: str, value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
