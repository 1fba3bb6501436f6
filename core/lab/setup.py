"""Which stacks the lab attacks: every profile, in the variants its handshake names, with and without a known key; and every stack
that a stranger's layer makes.

Each setup has a folder of its own for a while, in which client, server and attacker keep their keys: nothing of the user's is
read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plytalk.core.errors import ImpossibleStack, PluginError
from plytalk.core.host import Host
from plytalk.core.keys import Role
from plytalk.core.layers import KINDS, Layer
from plytalk.core.properties import Profile, Property
from plytalk.core.stack import Stack, choose, refuse_impossible

ATTACKER = "attacker"
STRANGERS = ("framer", "handshake", "cipher", "messages", "auth")
IN_MEMORY = "memory"

Classes = Mapping[str, Sequence[type[Layer]]]


@dataclass(frozen=True)
class Setup:
    """A stack under a name, with the options that both ends are given; `auths` judge the server at the client's end."""

    name: str
    classes: Classes
    auths: tuple[type[Layer], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def stack(self, who: str, folder: Path, known: Sequence[Profile] = ()) -> Stack:
        """The stack of one end, or of the attacker, with its own files in the folder. Raises ChatError."""
        classes = {**self.classes, "auth": list(self.auths) if who == Role.INITIATOR.value else []}
        options = dict(self.options)
        own = folder / who
        own.mkdir(parents=True, exist_ok=True)
        for layer in (layer for layers in classes.values() for layer in layers):
            for option in layer.options:
                if option.type is Path:
                    options.setdefault(option.keyword, own / option.name)
                elif option.name.endswith("accept-new"):  # the first conversation makes the acquaintance
                    options.setdefault(option.keyword, True)
        return Stack.build(classes, options, known)


def setups(host: Host) -> Iterator[Setup]:
    """Every setup that the installed plugins make; a stack that cannot work is none."""
    for name in host.names("profile"):
        yield from _of_profile(host, host.profile(name))
    for (kind, name), found in host.found.items():
        if kind in STRANGERS and not found.builtin:
            try:
                yield from _of_stranger(host, kind, name)
            except PluginError:
                continue


def _of_profile(host: Host, profile: Profile) -> Iterator[Setup]:
    classes = _complete(host, {kind: [name] for kind, name in profile.layers.items()})
    handshake = host.layer("handshake", profile.layers["handshake"])
    variants: Mapping[str, Mapping[str, Any]] = getattr(handshake, "variants", None) or {"": {}}
    for variant, options in variants.items():
        configured = {kind: [layer.configured(options) for layer in layers] for kind, layers in classes.items()}
        name = " ".join(filter(None, (profile.name, variant)))
        yield Setup(name, configured, options=options)
        if (wanted := handshake.prefers.get("auth")) and Property.PEER_KEY in handshake.gives:
            yield Setup(f"{name} pinned", configured, (host.layer("auth", wanted),), options)


def _of_stranger(host: Host, kind: str, name: str) -> Iterator[Setup]:
    classes = _complete(host, {kind: [name]})
    auths = tuple(classes.pop("auth", ()))
    try:
        refuse_impossible({**classes, "auth": auths})
    except ImpossibleStack:
        return
    yield Setup(f"{kind} {name}", classes, auths)


def _complete(host: Host, given: dict[str, list[str]]) -> dict[str, list[type[Layer]]]:
    classes = choose({**given, "transport": [IN_MEMORY]}, {}, host.layer)
    return {kind: classes[kind] for kind in KINDS if kind in classes}
