"""`--proxy URL`, for commands that take no layers: from the command line, the environment or the config file, as elsewhere."""

import os
from pathlib import Path

import click
from click.core import ParameterSource

from plytalk.cli import config
from plytalk.cli.parameters import TEXT
from plytalk.cli.stacks import refuse_secret
from plytalk.plugins.sockets.dialling import PROXY


def _taken(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The proxy to use, None for none. Raises Usage."""
    if value is None:
        file = Path(os.environ["PLYTALK_CONFIG"]) if os.environ.get("PLYTALK_CONFIG") else None
        settings = config.read(file)
        kept: str | None = config.option(PROXY, settings.get("options", {}).get(PROXY.name), file)
        return kept
    if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
        refuse_secret(PROXY, value)
    return value


proxy_option = click.option(
    f"--{PROXY.name}", type=TEXT, metavar=PROXY.metavar, envvar=PROXY.variable, help=PROXY.help, callback=_taken
)
