"""`--relay [HOST]`, for commands that wait: a door at a relay. The config file may have its address."""

from collections.abc import Mapping
from typing import Any

import click

from plytalk.api.choice import own_relay
from plytalk.cli.parameters import TEXT

OWN = "@"
"""The value of --relay without one: no host has such a name."""

relay_option = click.option(
    "--relay",
    "relay",
    type=TEXT,
    multiple=True,
    is_flag=False,
    flag_value=OWN,
    metavar="[HOST[:PORT]]",
    expose_value=False,
    help="Be reachable through a relay, by default the one of your config file: the same as --door relay:HOST (repeatable).",
)


def at_own_relay(door: str, settings: Mapping[str, Any]) -> str:
    """A door as it was written, with the relay of the config file where it was to be that. Raises Usage where there is none."""
    return f"relay:{own_relay(settings)}" if door == f"relay:{OWN}" else door
