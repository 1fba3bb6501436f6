"""`--relay HOST`, for what waits: a door at a relay."""

import click

from plytalk.api.choice import Choice
from plytalk.cli.parameters import TEXT
from plytalk.core.contracts.authenticator import Authenticator

relay_option = click.option(
    "--relay",
    "relay",
    type=TEXT,
    multiple=True,
    metavar="HOST[:PORT]",
    expose_value=False,
    help="Be reachable through a relay: the same as --door relay:HOST (repeatable).",
)


def prefer_number(choice: Choice) -> None:
    """Hold a number at the relay where there is a code: both can be read out, and the name of a key cannot."""
    if any(auth.replaces_peer for auth in choice.classes.get("auth", ()) if issubclass(auth, Authenticator)):
        choice.options.setdefault("relay_number", True)
