"""The layers and their options as keyword arguments: the words of the command line, with types.

`chat connect HOST --cipher aesgcm --name bob` is `connect("HOST", cipher="aesgcm", name="bob")`. A layer is given by its name, as
its class (made with its options), or, where one serves all connections, as an object.
"""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, TypedDict

from plytalk.api.choice import Choice, resolve, with_options
from plytalk.api.doors import read_door
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import BrokenPlugin, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.kinds import KINDS, REPEATABLE
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Transport
from plytalk.core.contracts.ui import Ui
from plytalk.core.registry.registry import Registry, nearest
from plytalk.core.registry.validation import fault_of

FOR_EACH_CONNECTION = ("framer", "cipher", "messages")
"""Kinds of layers that every connection has its own of."""

FileName = str | PathLike[str]
GivenAuth = str | Authenticator | type[Authenticator]
GivenFeature = str | Feature | type[Feature]


class LayerArguments(TypedDict, total=False):
    """What both ends take: layers, and options of the layers that come with plytalk. `chat explain` says what they mean."""

    transport: str | Transport | type[Transport]
    framer: str | type[Framer]
    handshake: str | Handshake | type[Handshake]
    cipher: str | type[Cipher]
    messages: str | type[Messages]
    auth: GivenAuth | Sequence[GivenAuth]
    feature: GivenFeature | Sequence[GivenFeature]
    identity: FileName
    suite: str
    pattern: str
    noise_suite: str
    prologue: str
    no_identity: bool
    static_key: FileName
    remote_key: str
    psk_file: FileName
    allow: FileName
    words: bool
    code: bool
    save_as: str
    log_json: FileName
    typing: bool
    receipts: bool
    into: FileName
    yes: bool
    accept_from: str
    fsync: bool
    no_files: bool
    proxy: str
    tls_ca: FileName
    tls_name: str
    options: Mapping[str, Any]
    """Options of other layers, by their names on the command line."""


class ClientArguments(LayerArguments, total=False):
    """What a client alone takes."""

    known_hosts: FileName
    accept_new: bool
    ws_path: str
    proxy_command: str


class ServerArguments(LayerArguments, total=False):
    """What a server alone takes."""

    rsa_key: FileName
    backlog: int
    rate: int
    history: FileName
    operator: str
    metrics: str
    origin: str
    trusted_proxy: str
    forwarder: str
    proxy_line: bool
    ws_ping: int
    lan: str
    lan_name: str
    relay_number: bool
    relay_key: FileName
    ssh_host_key: FileName
    tls_cert: FileName
    tls_key: FileName


def choose_layers(ui: Ui, role: Role, profile: str | None, arguments: Mapping[str, Any], doors: Sequence[str] = ()) -> Choice:
    """The layers that a program's arguments come to, shown by this UI, with a server's doors. Raises Usage, PluginError.

    Neither the environment nor the config file of the user is read: a program runs the same everywhere.
    """
    registry = Registry()
    given = {name: value for name, value in arguments.items() if value is not None}
    if "ui" in given:
        raise Usage("ui= is not for programs, which take the events themselves.", "Run `chat` for a user interface.")
    named = given.pop("options", {})
    refuse_other_types(options=(named, Mapping))
    options = {str(name).replace("-", "_"): value for name, value in named.items()}
    made: dict[type[Layer], Layer] = {type(ui): ui}
    layers: dict[str, list[str | type[Layer]]] = {"ui": [type(ui)]}
    for kind in KINDS:
        if kind in given:
            layers[kind] = [named_or_class(kind, one, made) for one in several(kind, given.pop(kind))]
    whole = registry.profile(profile) if profile else None
    written = [read_door(registry, text) for text in doors]
    choice = Choice(registry, resolve(registry, layers, whole, {}), whole, made=made, doors=written)
    take(choice, {**given, **options}, role)
    return choice


def refuse_other_types(**given: tuple[object, Any]) -> None:
    """Raises Usage for the first value that does not have the type beside it."""
    for name, (value, wanted) in given.items():
        if not isinstance(value, wanted):
            kinds = [one.__name__ for one in getattr(wanted, "__args__", (wanted,)) if one is not type(None)]
            said = f"{name}=" if name.isidentifier() else name.capitalize()
            raise Usage(f"{said} takes a value of the type {' or '.join(kinds)}, not {type(value).__name__}.")


def several(kind: str, value: Any) -> list[Any]:
    """The layers given for a kind. Raises Usage where there is one too many."""
    if not isinstance(value, list | tuple):
        return [value]
    if kind not in REPEATABLE:
        raise Usage(f"A stack has one {kind}, and {kind}= gives {len(value)}.")
    return list(value)


def named_or_class(kind: str, value: Any, made: dict[type[Layer], Layer]) -> str | type[Layer]:
    """A layer's name, or its class; an object goes to `made`. Raises Usage, BrokenPlugin."""
    if isinstance(value, str):
        return value
    layer: type[Layer] = value if isinstance(value, type) else type(value)
    if not issubclass(layer, KINDS[kind]):
        raise Usage(f"{kind}= takes the name of a layer, or a layer of that kind, not {shorten(layer.__name__)}.")
    if fault := fault_of(layer, "layers", is_made=value is not layer):
        raise BrokenPlugin(f"What {kind}= gives cannot be used: {fault}")
    if value is not layer:
        if kind in FOR_EACH_CONNECTION:
            raise Usage(f"Every connection makes its own {kind}, so {kind}= takes a name or a class, not an object.")
        if layer in made:
            raise Usage(f"{kind}= gives two objects of the class {shorten(layer.__name__)}.", "Give one of them.")
        made[layer] = value
    return layer


def take(choice: Choice, given: Mapping[str, Any], role: Role) -> None:
    """Give the layers their options, by keyword. Raises Usage, PluginError."""
    layers = with_options(choice, REPEATABLE, everywhere=False)
    if not set(given) <= keywords(layers):  # import what other distributions bring only where something may be theirs
        layers = with_options(choice, REPEATABLE)
    for unknown in sorted(set(given) - keywords(layers)):
        owners = [layer for layer in with_options(choice, KINDS) if unknown in keywords([layer])]
        if owners:
            raise Usage(f"{unknown}= belongs to the {owners[0].kind} `{owners[0].name}`, which is not chosen.")
        raise Usage(f"No layer has an option {shorten(unknown)}.", instead_of(unknown, keywords(layers)))
    options = {option.keyword: option for layer in layers for option in layer.options}
    choice.take_options(layers, {name: checked(options[name], value) for name, value in given.items()}, {}, role)


def instead_of(unknown: str, known: Iterable[str]) -> str:
    """What to write instead of an argument that there is not."""
    if unknown in ("host", "port"):
        return "The address is the first argument, such as connect('127.0.0.1:7591') or serve('0.0.0.0:7591')."
    near = nearest(unknown, known)
    return (f"Did you mean {near[0]}=? " if near else "") + "`chat connect --help` and `chat serve --help` list them."


def keywords(layers: Sequence[type[Layer]]) -> set[str]:
    return {option.keyword for layer in layers for option in layer.options}


def checked(option: Option, value: Any) -> Any:
    """The value of an option. Raises Usage where it has another type, or is empty."""
    wanted = str | PathLike if issubclass(option.type, PathLike) else option.type
    if not isinstance(value, wanted) or (isinstance(value, bool) and option.type is not bool):
        raise Usage(f"{option.keyword}= takes a value of the type {option.type.__name__}, not {type(value).__name__}.")
    if value == "" and option.default != "":
        raise Usage(f"{option.keyword}= is empty.", "Leave it out, or give a value.")
    return value
