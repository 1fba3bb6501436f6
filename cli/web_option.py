"""`--web HOST:PORT`: a door for browsers, which serves them the page."""

import click

from plytalk.api.choice import Choice
from plytalk.cli.parameters import TEXT
from plytalk.core.contracts.errors import Usage

WEB = "web"

web_option = click.option(
    "--web",
    type=TEXT,
    multiple=True,
    metavar="HOST[:PORT]",
    expose_value=False,
    help="Serve a page to browsers, by which people join: the same as --door web:HOST (repeatable).",
)


def refuse_other_stacks(choice: Choice) -> None:
    """The page is a client of the default stack alone. Raises Usage."""
    transports = [*choice.classes["transport"], *(door.transport for door in choice.doors)]
    if any(transport.name == WEB for transport in transports) and not (choice.named and choice.named.is_default):
        raise Usage("The page of --web speaks plytalk/1 alone.", "Leave out --profile and the layers, or --web.")
