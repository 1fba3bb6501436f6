"""The layers that are chosen together: by the command line, the environment and the config file, or by a program.

Precedence: flag or argument, environment, profile, config file, default.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from plytalk.api.doors import WrittenDoor, listening_address
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import BrokenPlugin, ChatError, Usage
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.optional import ChecksOptions, NamesHost, ServesPage
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Profile
from plytalk.core.contracts.transport import Transport
from plytalk.core.contracts.unprinted import Unprinted
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose, choose_named, factory

if TYPE_CHECKING:
    from plytalk.core.endpoints.server import ListenAddress

ALWAYS_FROM_CONFIG = ("transport", "ui", "auth", "feature")  # these do not decide what the rest of the stack is
IDENTIFYING = ("framer", "handshake", "cipher", "messages")
COMMANDS = {Role.INITIATOR: "connect", Role.RESPONDER: "serve"}


class Choice(Unprinted, Struct, eq=False):
    """What was chosen; its options may hold a password.

    `made` are the layers that were given as objects, by their class; `doors` are where a server listens.
    """

    registry: Registry
    classes: dict[str, list[type[Layer]]]
    profile: Profile | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    made: dict[type[Layer], Layer] = field(default_factory=dict)
    doors: list[WrittenDoor] = field(default_factory=list)
    given: frozenset[str] = frozenset()
    """The options that the user gave, by keyword, rather than a profile, the environment or the config file."""

    def stack(self) -> Stack:
        """The stack, made. Raises ImpossibleStack, and Usage where its transport is for guests alone."""
        if (transport := self.classes["transport"][0]) and issubclass(transport, Transport) and transport.guests:
            raise Usage(
                f"The transport `{transport.name}` is for guests alone.",
                f"Open a door for them: --door {transport.name}:HOST:PORT.",
            )
        self._name_at_relay()
        return Stack.build(self.classes, self.options, self.registry.profiles(), self.made)

    def _name_at_relay(self) -> None:
        """Choose whether to hold a number or the name of a key at a relay. A number is for a code, which is read out with it,
        and for a handshake that does not show the key that callers would then expect; with it, --relay-key is shown only to
        the relay. Raises Usage if the name would be that of another key than the server shows.
        """
        handshake, key = cast(type[Handshake], self.classes["handshake"][0]), self.options.get("relay_key")
        shows_key = Role.RESPONDER in handshake.shows and any(option.name == "identity" for option in handshake.options)
        auths = (auth for auth in self.classes.get("auth", ()) if issubclass(auth, Authenticator))
        if not shows_key or any(auth.replaces_peer for auth in auths):
            self.options.setdefault("relay_number", True)
        if self.options.get("relay_number"):
            return
        if key and self.options.setdefault("identity", key) != key:
            raise Usage("The key of --relay-key is not the one that this server shows: others would refuse it.", "Leave it out.")
        if "identity" in self.options:
            self.options.setdefault("relay_key", self.options["identity"])

    def take_options(
        self, layers: Sequence[type[Layer]], given: Mapping[str, Any], configured: Mapping[str, Any], role: Role | None
    ) -> None:
        """Take the options of these layers from what was given and configured, by keyword, with the layers that they choose.

        `role` is the end that this is, None for both. Raises Usage, PluginError.
        """
        self.given = frozenset(keyword for keyword, value in given.items() if value is not None)
        taken = dict(self._taken(layers, given, configured, role))
        for option, layer in taken.items():
            if option.chooses and layer not in self.classes.setdefault(layer.kind, []):
                self.classes[layer.kind].append(layer)
        for layer in self.preferred(role):
            if layer not in self.classes.setdefault(layer.kind, []):
                self.classes[layer.kind].append(layer)
        for option, layer in taken.items():
            if layer not in (*self.classes.get(layer.kind, []), *(door.transport for door in self.doors)):
                if configured.get(option.keyword) is not None and given.get(option.keyword) is None:  # for other stacks
                    del self.options[option.keyword]
                    continue
                raise Usage(f"--{option.name} belongs to the {layer.kind} `{layer.name}`, which is not chosen.")
            if layer in self.made:
                raise Usage(
                    f"The {layer.kind} `{layer.name}` is an object, which has its options already.",
                    f"Leave out {option.keyword}.",
                )
        for kind, chosen in self.classes.items():
            self.classes[kind] = [layer if layer in self.made else with_configuration(layer, self.options) for layer in chosen]
        self.doors = [
            door._replace(transport=cast(type[Transport], with_configuration(door.transport, self.options)))
            for door in self.doors
        ]

    def _taken(
        self, layers: Sequence[type[Layer]], given: Mapping[str, Any], configured: Mapping[str, Any], role: Role | None
    ) -> Iterator[tuple[Option, type[Layer]]]:
        fitting = {option.keyword for layer in layers for option in layer.options if option.role in (None, role)}
        given_by, implied_by = (profile.options if profile else {} for profile in (self.profile, self.named))
        for layer in layers:
            for option in layer.options:
                value = given.get(option.keyword)
                if role and option.role not in (None, role):  # in a config file, which is for both, it may stand
                    if value is not None and option.keyword not in fitting:
                        raise Usage(f"--{option.name} is for `chat {COMMANDS[option.role]}`.")
                    continue
                values = (value, given_by.get(option.name), configured.get(option.keyword), implied_by.get(option.name))
                value = next((one for one in values if one is not None), None)
                if "\0" in str(value):  # the system takes no such name, and layers need not expect it
                    raise Usage(f"The value of --{option.name} has a null character in it.", "Give another one.")
                if value is not None and value != option.default:
                    self.options[option.keyword] = option.type(value)
                    yield option, layer

    def preferred(self, role: Role | None) -> Iterator[type[Layer]]:
        """The authenticator and the feature that the chosen layers want where nobody chose. Raises PluginError."""
        wanted = with_configuration(self.classes["handshake"][0], self.options).prefers.get("auth")
        if wanted and role is not Role.RESPONDER and not self.classes.get("auth"):
            yield self.registry.layer("auth", wanted)
        wanted = self.classes["messages"][0].prefers.get("feature")
        if wanted and ("feature", wanted) in self.registry.found:
            yield self.registry.layer("feature", wanted)

    def door_addresses(self, stack: Stack, port: int | None = None) -> "list[ListenAddress]":
        """The doors of a server with this stack; `port` is for those that name none. Raises Usage."""
        transports = {type(stack.transport): stack.transport}
        addresses: list[ListenAddress] = []
        for layer, where in (door for door in self.doors if not door.transport.guests):
            if layer not in transports:
                transports[layer] = factory(layer, self.options)()
            addresses.append(self.listen_address(replace(stack, transport=transports[layer]), where, port))
        return addresses

    def guest_doors(self, stack: Stack) -> "list[ListenAddress]":
        """The doors for guests who speak what their transport prefers, under the authenticators of this stack. Raises Usage."""
        return [
            self.listen_address(self._stack_of_guests(door.transport, stack), door.where, door.transport.usual_port)._replace(
                name=door.transport.name
            )
            for door in self.doors
            if door.transport.guests
        ]

    @property
    def serves_page(self) -> bool:
        """Whether one of the places to listen at serves a page to browsers."""
        transports = (*self.classes["transport"], *(door.transport for door in self.doors))
        return any(issubclass(transport, ServesPage) for transport in transports)

    def check_page(self) -> None:
        """The page is a client of the default stack alone. Raises Usage."""
        if self.serves_page and not (self.named and self.named.is_default):
            raise Usage("The page of --web speaks plytalk/1 alone.", "Leave out --profile and the layers, or --web.")

    def _stack_of_guests(self, transport: type[Transport], stack: Stack) -> Stack:
        for auth in stack.auths:
            if auth.agrees or type(auth).verify is not Authenticator.verify:
                raise Usage(
                    f"The door {transport.name} cannot be combined with --auth {auth.name}, in which guests cannot take part.",
                    "Say who may come in with --allow FILE, or leave out the door.",
                )
        layers = choose({"transport": [transport]}, {}, self.registry.layer)
        return replace(Stack.build({**layers, "ui": self.classes["ui"]}, self.options), auths=stack.auths)

    def listen_address(self, stack: Stack, where: str | None, port: int | None = None) -> "ListenAddress":
        """Where a stack listens, on `port` or the stack's own where none was written. Raises Usage."""
        if where is None and not stack.transport.names_place:
            where = next((feature.usual_host() for feature in stack.features if isinstance(feature, NamesHost)), None)
        address = listening_address(stack.transport, where)
        self.check_given(stack.transport, address.host)
        number = next(one for one in (address.port, port, self.port) if one is not None)
        from plytalk.core.endpoints.server import ListenAddress  # what only servers need is not loaded by clients

        return ListenAddress(stack, address.host, number)

    def check_given(self, transport: Transport, place: str) -> None:
        """Raises Usage if an option that the user gave has no effect where this transport listens or connects."""
        if isinstance(transport, ChecksOptions):
            transport.check_given(place, self.given)

    def guest(self, profile: str) -> Stack:
        """A stack for guests who speak an existing chat. Raises Usage where its layers belong to another."""
        classes = choose_named(self.registry.profile(profile).layers, self.registry.layer)
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


def own_relay(settings: Mapping[str, Any]) -> str:
    """The relay that the config file names. Raises Usage."""
    relay: str | None = settings.get("relay")
    if not relay:
        raise Usage(
            "No relay is named here, and none in the config file.", 'Name it, or write there: relay = "relay.example.org".'
        )
    return relay


def with_options(
    choice: Choice, kinds: Collection[str], everywhere: bool = True, others: Iterable[type[Layer]] = ()
) -> list[type[Layer]]:
    """The layers whose options are understood: those chosen, `others`, and all of these kinds that work (`Registry.layers`)."""
    layers = [layer for chosen in choice.classes.values() for layer in chosen]
    doors = [door.transport for door in choice.doors]
    return list(dict.fromkeys((*layers, *doors, *others, *choice.registry.layers(kinds, everywhere))))


def with_configuration(layer: type[Layer], options: Mapping[str, Any]) -> type[Layer]:
    """The layer as these options make it. Raises what it raises as a ChatError, and BrokenPlugin for anything else."""
    try:
        made = layer.configured(options)
    except ChatError:
        raise
    except BaseException as error:
        let_through(error)
        raise BrokenPlugin(f"The {layer.kind} `{layer.name}` cannot be configured: it raised {type(error).__name__}.") from error
    if not (isinstance(made, type) and issubclass(made, layer)):
        raise BrokenPlugin(f"The {layer.kind} `{layer.name}` cannot be configured: it gives {type(made).__name__}, and no layer.")
    return made


def resolve(
    registry: Registry, given: Mapping[str, Sequence[str | type[Layer]]], profile: Profile | None, settings: Mapping[str, Any]
) -> dict[str, list[type[Layer]]]:
    """The layers that these choices come to. Raises PluginError."""
    chosen: dict[str, Sequence[str | type[Layer]]] = dict(given)
    for kind, name in (profile.layers if profile else {}).items():
        chosen.setdefault(kind, [name])
    from_config = {kind: names_of(settings[kind]) for kind in KINDS if kind in settings}
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


def names_of(value: Any) -> list[str]:
    """One name, or several."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
