"""Options in, a stack out: the command class that adds the options of the layers chosen.

Precedence: flag, environment, profile, config file, default. Layers bring their own options, so the arguments are read twice:
once to see which layers are chosen, and again with the options that these bring.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from plytalk.api.choice import Choice, names_of, resolve, with_options
from plytalk.api.doors import read_door
from plytalk.api.urls import is_url, read_url
from plytalk.cli import config
from plytalk.cli.option_help import HelpRecord, option_sections, whose_option
from plytalk.cli.parameters import FILE, TEXT, completions
from plytalk.cli.relay_option import OWN, at_own_relay
from plytalk.core.contracts.errors import BrokenPlugin, PluginError, Usage
from plytalk.core.contracts.kinds import KINDS, REPEATABLE
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.registry.registry import Registry

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HELP = {
    "transport": "How bytes travel.",
    "framer": "How bytes are cut into frames.",
    "handshake": "How the two sides agree on keys.",
    "cipher": "How messages are encrypted.",
    "messages": "How messages are encoded.",
    "auth": "How the other side's identity is checked (repeatable; all must agree).",
    "ui": "How the conversation is shown and typed.",
    "feature": "Additional features (repeatable).",
}

SHORT = ("relay", "web")
"""Transports with an option of their name, which is short for a --door by them."""


class LayerName(click.ParamType[str]):
    name = "name"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return TEXT.convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        return completions(Registry().names(self.kind), incomplete)


class Blocked(click.ParamType[str]):
    name = "no:NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not str(value).startswith("no:") or len(value) == 3:
            self.fail(f"{value!r} is not of the form no:NAME.", param, ctx)
        return str(value)[3:]


def block_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "-p",
        "blocked",
        multiple=True,
        type=Blocked(),
        metavar="no:NAME",
        expose_value=False,
        help="Block a plugin (repeatable).",
    )(command)


def layer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --profile, --config, -p and one option for each kind of layer."""
    for kind in reversed(list(KINDS)):
        command = click.option(
            f"--{kind}",
            type=LayerName(kind),
            multiple=kind in REPEATABLE,
            envvar=f"PLYTALK_{kind.upper()}",
            expose_value=False,
            help=HELP[kind],
        )(command)
    command = block_option(command)
    command = click.option(
        "--config",
        type=FILE,
        metavar="FILE",
        envvar="PLYTALK_CONFIG",
        expose_value=False,
        help="The file with your settings (default: plytalk/config.toml in your config folder).",
    )(command)
    return click.option(
        "--profile",
        type=LayerName("profile"),
        envvar="PLYTALK_PROFILE",
        expose_value=False,
        help="A whole stack by name, with its port.",
    )(command)


class WithoutSuggestions(dict[str, Any]):
    """The options of a parser, false in a condition, so that click does not search them for names similar to an unknown option.

    In the first parse, the options of layers are all unknown, and a search for each would take long.
    """

    def __bool__(self) -> bool:
        return False


class StackCommand(click.Command):
    """A command that takes layers, and the options of the layers it is given; its callback gets a `choice`.

    `role` is the end that it is, None where it is both or speaks of both.
    """

    def __init__(self, *args: Any, role: Role | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._role = role

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        parser._long_opt = WithoutSuggestions(parser._long_opt)
        asks_help = any(arg in ctx.help_option_names for arg in args)
        given = {} if asks_help else parser.parse_args(list(args))[0]
        values = {param.name: given.get(param.name) or param.value_from_envvar(ctx) for param in self.params if param.name}
        if self._role is Role.INITIATOR:
            values["url"] = next(filter(is_url, args), None)
            values["runs"] = any(arg.partition("=")[0] == "--proxy-command" for arg in args)
        values["doors"] = (
            *(values.get("doors") or ()),
            # Of an option without its value the parser gives no text yet.
            *(f"{name}:{at if isinstance(at, str) else OWN}" for name in SHORT for at in values.get(name) or ()),
        )
        values["only_doors"] = bool(values.get("doors")) and not any(given.get(name) for name in ("host", "port", "transport"))
        file = Path(str(values["config"])) if values.get("config") else None
        try:
            choice = self._choose(values, asks_help, file)
        except Usage as error:
            raise click.UsageError(error.sentence, ctx) from None
        except PluginError:
            if ctx.resilient_parsing or asks_help:
                return super().parse_args(ctx, args)
            raise
        shown = KINDS if asks_help else REPEATABLE if ctx.resilient_parsing else ()
        ctx.meta["layers"] = with_options(choice, shown, everywhere=False, others=self._preferred(choice))
        self._refuse_clashes(ctx, choice)
        try:
            rest = self._parse_with_options(ctx, args, choice)
        except click.NoSuchOption as error:
            short = [param.name for param in self.params if param.name in SHORT]
            if said := whose_option(error.option_name, with_options(choice, KINDS), self._role, short):
                raise click.UsageError(said) from None
            raise
        try:
            self._take_options(choice, ctx, file)
        except Usage as error:
            raise click.UsageError(error.sentence, ctx) from None
        ctx.params["choice"] = choice
        return rest

    def _preferred(self, choice: Choice) -> Sequence[type[Layer]]:
        """Layers that are chosen in the end, unless an option chooses others: none if one of them is not available."""
        try:
            return tuple(choice.preferred(self._role))
        except PluginError:
            return ()

    def _parse_with_options(self, ctx: click.Context, args: list[str], choice: Choice) -> list[str]:
        """Read the arguments with the options of the chosen layers; where one is not theirs, also with those of the layers that
        may be chosen by an option of theirs. These are not imported before that."""
        configured = set(choice.settings.get("options", {}))
        if configured <= {option.name for layer in ctx.meta["layers"] for option in layer.options}:
            try:
                return super().parse_args(ctx, list(args))
            except click.NoSuchOption:
                pass
        ctx.meta["layers"] = with_options(choice, REPEATABLE)
        self._refuse_clashes(ctx, choice)
        return super().parse_args(ctx, args)

    def _refuse_clashes(self, ctx: click.Context, choice: Choice) -> None:
        """Raises BrokenPlugin where a chosen layer brings an option that is taken; leaves out others that do."""
        taken = {name for param in self.params for name in param.opts} | set(ctx.help_option_names)
        for layer in tuple(ctx.meta["layers"]):
            for option in layer.options:
                if f"--{option.name}" not in taken:
                    continue
                if layer in choice.classes.get(layer.kind, ()):
                    raise BrokenPlugin(f"The {layer.kind} `{layer.name}` brings the option --{option.name}, which is taken.")
                ctx.meta["layers"].remove(layer)
                break

    @staticmethod
    def _choose(values: Mapping[str, Any], asks_help: bool, file: Path | None) -> Choice:
        blocked = [Blocked().convert(one, None, None) for one in values.get("blocked") or ()]
        registry = Registry(blocked)
        settings = {} if asks_help else config.read(file)
        kinds = {kind: names_of(values.get(kind)) for kind in KINDS if values.get(kind)}
        profile = registry.profile(values["profile"]) if values.get("profile") else None
        doors = [read_door(registry, at_own_relay(text, settings)) for text in values.get("doors") or ()]
        if own := [door for door in doors if not door.transport.guests] if values["only_doors"] else []:
            kinds["transport"] = [own[0].transport.name]
        options: dict[str, Any] = {}
        if values.get("runs"):
            kinds.setdefault("transport", ["command"])
        if values.get("stdio"):
            kinds["transport"], kinds["ui"] = ["stdio"], ["none"]
        if url := values.get("url"):
            kinds["transport"], options = use_url(url, kinds.get("transport"))
        return Choice(registry, resolve(registry, kinds, profile, settings), profile, settings, options, doors=doors)

    def _take_options(self, choice: Choice, ctx: click.Context, file: Path | None) -> None:
        """Move the layers' options from the command's parameters to the choice, with the layers that they choose."""
        settings, layers = dict(choice.settings.get("options", {})), ctx.meta["layers"]
        options = [option for layer in layers for option in layer.options]
        given = {keyword: ctx.params.pop(keyword, None) for keyword in {option.keyword for option in options}}  # some share one
        configured = {option.keyword: config.option(option, settings.get(option.name), file) for option in options}
        for option in options:
            if ctx.get_parameter_source(option.keyword) is ParameterSource.ENVIRONMENT:  # which is for both ends, too
                configured[option.keyword], given[option.keyword] = given[option.keyword], None
            elif given[option.keyword] is not None:
                refuse_secret(option, given[option.keyword])
        if not set(settings) <= {option.name for option in options}:
            refuse_unknown(settings, choice)
        choice.take_options(layers, given, configured, self._role)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        # Two layers may have an option in common.
        options = [option for layer in ctx.meta.get("layers", []) for option in layer.options]
        own = {option.keyword: option for option in sorted(options, key=lambda one: one.role in (None, self._role))}
        return [*super().get_params(ctx), *(click_option(option, self._role) for option in own.values())]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = [param for param in super().get_params(ctx) if isinstance(param, click.Option)]  # the usage shows arguments
        naming = [param for param in own if isinstance(param.type, LayerName)]
        for title, params in (
            ("Options", [param for param in own if param not in naming]),
            ("Layers, by the names that `chat plugins` lists", naming),
        ):
            with formatter.section(title):
                formatter.write_dl([record for param in params if (record := param.get_help_record(ctx))])
        for title, shown in option_sections(self._records(ctx)):
            with formatter.section(title):
                formatter.write_dl(shown)

    def _records(self, ctx: click.Context) -> Iterator[tuple[type[Layer], HelpRecord]]:
        for layer in ctx.meta.get("layers", []):
            if not self._role or self._role in getattr(layer, "judges", Role):
                for option in layer.options:
                    if record := click_option(option, self._role).get_help_record(ctx):
                        yield layer, record


def use_url(text: str, transports: Sequence[str] | None) -> tuple[list[str], dict[str, Any]]:
    """The transport of a URL, and the options that it gives. Raises Usage where another transport was chosen."""
    url = read_url(text)
    if transports and transports != [url.transport]:
        raise Usage(f"{shorten(text)!r} and --transport {transports[0]} differ.", "Leave out --transport.")
    return [url.transport], {"ws_path": url.path} if url.path else {}


def refuse_unknown(settings: Mapping[str, Any], choice: Choice) -> None:
    """Raises Usage where the config file sets an option that no layer has. Those of layers not chosen are for other stacks."""
    names = sorted({option.name for layer in with_options(choice, KINDS) for option in layer.options})
    if unknown := sorted(set(settings) - set(names)):
        raise Usage(f"The config file sets the option {unknown[0]!r}, which no layer has.", config.nearest(unknown[0], names))


def refuse_secret(option: Option, value: Any) -> None:
    """Raises Usage where the value of an option, given on the command line, has a secret in it."""
    if option.has_secret and option.has_secret(value):
        raise Usage(
            f"--{option.name} has a password in it, which other users of this machine can read.",
            f"Leave it out, and you are asked; or put the whole into {option.variable} or the config file.",
        )


def click_option(option: Option, role: Role | None) -> click.Option:
    """The option of a layer on the command line; hidden where it is the other end's."""
    names, hidden = [f"--{option.name}", option.keyword], bool(role and option.role not in (None, role))
    if option.type is bool:
        return click.Option(names, is_flag=True, default=None, help=option.help, hidden=hidden)
    kinds: dict[type, Any] = {Path: FILE, str: str if option.default == "" else TEXT}
    kind = kinds.get(option.type, option.type)
    shown: dict[str, Any] = {"metavar": option.metavar, "help": option.help, "hidden": hidden, "envvar": option.variable}
    if option.bare is not None:
        shown |= {"is_flag": False, "flag_value": option.bare}
    return click.Option(names, type=kind, default=None, **shown)
