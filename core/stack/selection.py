"""The chosen layers as one value, with what they need, give and prefer together.

`choose` turns the names that a user gave into a whole stack (what is not given follows from what is); `Stack` refuses what
cannot work and warns of what is weak. The sentences come from `core/contracts/properties.py` and from the layers themselves.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from msgspec import Struct

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.blame import blame_one
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import ChatError, ImpossibleStack, StackMismatch
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handler import RefusesStack
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Profile, Property
from plytalk.core.contracts.transport import Transport
from plytalk.core.contracts.ui import Ui
from plytalk.core.contracts.unprinted import Unprinted

L = TypeVar("L", bound=Layer)

# The order in which layers are asked what they prefer: first the one that says most about the kind of conversation.
DECIDERS = ("transport", "cipher", "handshake", "framer", "messages", "auth")
SINGLE = ("transport", "framer", "handshake", "cipher", "messages", "ui")
BETWEEN = ("framer", "handshake", "auth", "cipher", "messages")
SHOWN = ("transport", *BETWEEN, "ui")

Find = Callable[[str, str], type[Layer]]


def choose(
    given: Mapping[str, Sequence[str | type[Layer]]], default: Mapping[str, str], find: Find
) -> dict[str, list[type[Layer]]]:
    """A layer for every kind: what was given, then what those prefer, then what these prefer, then `default`.

    What is given is a name or a class. `default` holds the layers of the default profile; they count where nothing that was
    given decides about the stack. `find` gives a layer by its name; where nothing decides, the name is empty, and it gives what
    is usual for the kind. Raises UnknownLayer, BrokenPlugin or DuplicateLayer from `find`.
    """
    chosen = {kind: [find(kind, one) if isinstance(one, str) else one for one in some] for kind, some in given.items()}
    if not any(layer.prefers for kind in DECIDERS for layer in chosen.get(kind, [])):
        for kind, name in default.items():
            chosen.setdefault(kind, [find(kind, name)])
    while missing := [kind for kind in SINGLE if kind not in chosen]:
        wishes = [
            (kind, layer.prefers[kind])
            for decider in DECIDERS
            for layer in chosen.get(decider, [])
            for kind in missing
            if kind in layer.prefers
        ]
        kind, name = wishes[0] if wishes else next((kind, default.get(kind, "")) for kind in missing)
        chosen[kind] = [find(kind, name)]
    return chosen


def choose_named(names: Mapping[str, str], find: Find) -> dict[str, list[type[Layer]]]:
    """The layers of these names, one of a kind, as a profile has them, and what those prefer. Raises as `choose` does."""
    return choose({kind: [name] for kind, name in names.items()}, {}, find)


class LayerFactory(Generic[L]):
    """A layer with its options: called, it makes a new one for a conversation."""

    def __init__(self, layer: type[L], options: Mapping[str, Any]) -> None:
        self.layer, self._options = layer, options
        self.name, self.gives, self.needs = layer.name, layer.gives, layer.needs

    def __call__(self, *arguments: Any) -> L:
        try:
            return self.layer(*arguments, **self._options)
        except ChatError:
            raise
        except BaseException as error:  # its words stay out: they might hold a key
            let_through(error)
            raise blame_one(error, self.layer, "cannot be made: it raised {}.") from error


def factory(layer: type[L], options: Mapping[str, Any]) -> LayerFactory[L]:
    """Makes a layer with those of `options` (by keyword) that are its own."""
    return LayerFactory(layer, {option.keyword: options[option.keyword] for option in layer.options if option.keyword in options})


class Stack(Unprinted, Struct, frozen=True, eq=False, dict=True):
    """A conversation's layers. `line` names them all, `short_line` those between the stream and the screen."""

    transport: Transport
    framer: LayerFactory[Framer]
    handshake: Handshake
    cipher: LayerFactory[Cipher]
    make_messages: LayerFactory[Messages]
    ui: Ui
    auths: tuple[Authenticator, ...] = ()
    features: tuple[Feature, ...] = ()
    known: tuple[Profile, ...] = ()

    @classmethod
    def build(
        cls,
        chosen: Mapping[str, Sequence[type[Layer]]],
        options: Mapping[str, Any] | None = None,
        known: Sequence[Profile] = (),
        made: Mapping[type[Layer], Layer] | None = None,
    ) -> "Stack":
        """Make the layers, each with those of `options` (by keyword) that are its own. Raises ImpossibleStack.

        `known` are the profiles by whose greeting a peer with another stack is recognised; `made` are layers that exist already.
        """
        given, there = options or {}, made or {}

        def recipe(kind: str) -> Any:
            return factory(chosen[kind][0], given)

        def make(layer: type[Layer]) -> Any:
            return there[layer] if layer in there else factory(layer, given)()

        refuse_impossible(chosen)
        return cls(
            transport=make(chosen["transport"][0]),
            framer=recipe("framer"),
            handshake=make(chosen["handshake"][0]),
            cipher=recipe("cipher"),
            make_messages=recipe("messages"),
            ui=make(chosen["ui"][0]),
            auths=tuple(map(make, chosen.get("auth", []))),
            features=tuple(map(make, chosen.get("feature", []))),
            known=tuple(known),
        )

    def messages(self) -> Messages:
        return self.make_messages(Property.BOUNDARIES in self.framer.gives)

    @property
    def classes(self) -> dict[str, list[type[Layer]]]:
        return {
            "transport": [type(self.transport)],
            "framer": [self.framer.layer],
            "handshake": [type(self.handshake)],
            "cipher": [self.cipher.layer],
            "messages": [self.make_messages.layer],
            "auth": [type(auth) for auth in self.auths],
            "ui": [type(self.ui)],
            "feature": [type(feature) for feature in self.features],
        }

    @property
    def layers(self) -> list[type[Layer]]:
        return [layer for layers in self.classes.values() for layer in layers]

    @property
    def names(self) -> dict[str, str]:
        """Kind to name, for display; several of a kind joined by a comma, kinds without a layer left out."""
        return {kind: ",".join(layer.name for layer in layers) for kind, layers in self.classes.items() if layers}

    @property
    def line(self) -> str:
        return line_of(self.classes)

    @property
    def short_line(self) -> str:
        """For notices: it fits in a row of a terminal."""
        return line_of({kind: layers for kind, layers in self.classes.items() if kind in BETWEEN})

    @cached_property
    def gives(self) -> frozenset[Property]:
        return given_by(self.classes)

    def mismatch(self, first: bytes) -> StackMismatch | None:
        """Which other stack the other side runs, by its first bytes."""
        ours = self.names
        for other in self.known:
            differ = [kind for kind, name in other.layers.items() if kind != "messages" and ours.get(kind) != name]
            if other.greeting and differ and re.match(other.greeting, first, re.DOTALL):
                here = ", ".join(f"{kind} {ours.get(kind, 'none')}" for kind in differ)
                there = ", ".join(f"{kind} {other.layers[kind]}" for kind in differ)
                return StackMismatch(
                    f"The two sides run different stacks: {here} here, {there} on the other side.",
                    f"Start this side with --profile {other.name}, or the other side with the layers of this one.",
                )
        return None

    def refuse(self, role: Role) -> None:
        """Raises ImpossibleStack where a layer cannot do its work in this role."""
        if len(bringing := [auth.name for auth in self.auths if auth.agrees]) > 1:
            raise ImpossibleStack(
                f"--auth {' and --auth '.join(bringing)} each bring a pre-shared key, and there is room for one.",
                "Choose one of them.",
            )
        for auth in self.auths:
            judged = auth.agrees or role.other in self.handshake.shows  # a pre-shared key is judged by the handshake itself
            if not judged or role not in auth.judges:
                raise ImpossibleStack(
                    f"--auth {auth.name} cannot work on the {role.value}: the handshake `{self.handshake.name}` shows the "
                    f"{role.value} no key of the {role.other.value} that it could judge.",
                    "Use it on the other side, or choose another handshake.",
                )

        for feature in self.features:
            if isinstance(feature, RefusesStack):
                feature.refuse_stack(self, role)

    def warning(self) -> str | None:
        """What an attacker can do to this stack, in one sentence; None when it gives the three protections that matter most."""
        return warning_of(self.classes)


def line_of(chosen: Mapping[str, Sequence[type[Layer]]]) -> str:
    """The stack in one line, from the wire to the screen, with the names of the kinds where they do not speak for themselves."""
    return " | ".join(",".join(layer.name for layer in chosen[kind]) for kind in (*SHOWN, "feature") if chosen.get(kind))


def given_by(chosen: Mapping[str, Sequence[type[Layer]]]) -> frozenset[Property]:
    return frozenset(prop for layers in chosen.values() for layer in layers for prop in layer.gives)


def refuse_impossible(chosen: Mapping[str, Sequence[type[Layer]]]) -> None:
    """Raises ImpossibleStack, naming the layer that needs something, what is missing, and the layer that does not give it."""
    everyone = [layer for layers in chosen.values() for layer in layers]
    for layer in everyone:
        given = {prop for other in everyone if other is not layer for prop in other.gives}
        for prop in sorted(set(layer.needs) - given):
            meaning = MEANINGS[prop]
            silent = " and ".join(f"the {kind} `{other.name}`" for kind in meaning.change for other in chosen.get(kind, ()))
            raise ImpossibleStack(
                f"The {layer.kind} `{layer.name}` needs {prop}, which {silent or 'no layer of this stack'} cannot give: "
                f"{meaning.lack}."
            )


def covered_by(chosen: Mapping[str, Sequence[type[Layer]]]) -> frozenset[Property]:
    """What all of the transports protect on the way."""
    transports = [layer.covers for layer in chosen.get("transport", ()) if issubclass(layer, Transport)]
    return frozenset.intersection(*map(frozenset, transports)) if transports else frozenset()


def warning_of(chosen: Mapping[str, Sequence[type[Layer]]]) -> str | None:
    given = given_by(chosen) | covered_by(chosen)
    for prop in PROTECTIONS[:3]:
        if prop not in given:
            return f"{MEANINGS[prop].lack[0].upper()}{MEANINGS[prop].lack[1:]}."
    return None
