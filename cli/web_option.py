"""`--web HOST:PORT`: a door for browsers, which serves them the page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from plytalk.api.choice import Choice
from plytalk.cli.parameters import TEXT
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.optional import ServesPage
from plytalk.core.contracts.properties import Property
from plytalk.core.stack.selection import Stack

if TYPE_CHECKING:
    from plytalk.core.endpoints.server import ListenAddress
    from plytalk.core.pipeline.tracing import Trace, TraceEvent

web_option = click.option(
    "--web",
    type=TEXT,
    multiple=True,
    metavar="HOST[:PORT]",
    expose_value=False,
    help="Serve a page to browsers, by which people join: the same as --door web:HOST (repeatable).",
)


inspect_option = click.option(
    "--web-inspect",
    is_flag=True,
    help="Show the conversations in the page of --web, layer by layer. For stacks that keep nothing secret.",
)


def refuse_other_stacks(choice: Choice, web_inspect: bool) -> None:
    """The page is a client of the default stack, unless it shows the conversations of another one. Raises Usage."""
    if not web_inspect:
        choice.check_page()
    elif not choice.serves_page:
        raise Usage("--web-inspect shows conversations in the page of --web.", "Give --web HOST:PORT as well.")


def inspected(stack: Stack, addresses: "Sequence[ListenAddress]", tracer: "Trace | None") -> "Trace":
    """A trace that the pages of these addresses show as it goes on, besides `tracer`. Raises Usage where that tells secrets."""
    from plytalk.lab.inspect.live_page import LivePage

    if Property.SECRECY in stack.gives:
        raise Usage(
            "--web-inspect shows what is said to all who open the page, so it is for stacks that keep nothing secret.",
            "Choose --profile demo01, or use --trace FILE and `chat inspect FILE --live`.",
        )
    page = LivePage()
    for address in addresses:
        if isinstance(address.stack.transport, ServesPage):
            address.stack.transport.serve_instead(page)
    return Both(tracer, page) if tracer else page


class Both:
    """One trace that is two."""

    def __init__(self, tracer: "Trace", page: "Trace") -> None:
        self._traces = tracer, page
        self.secrets = getattr(tracer, "secrets", False)

    def __call__(self, event: "TraceEvent") -> None:
        for trace in self._traces:
            trace(event)
