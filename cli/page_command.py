"""`chat page`: the page of `chat serve --web` as one file."""

import sys

import click

from plytalk.core.contracts.errors import Exit, Usage
from plytalk.core.io.standard_streams import tell
from plytalk.plugins.web.page_files import compressed, single_file

EXAMPLES = """\b
Examples:
  chat page > chat.html                               write it, to open it in a browser
  chat serve --web 127.0.0.1:8080 --origin null       a server that lets such a file in
"""


@click.command(epilog=EXAMPLES)
def page() -> int:
    """Write the page of `chat serve --web` into one file.

    A server that serves a page decides what it does. Use a file where you do not trust the server with that: it is made by the
    program on your own machine. The server must allow it with --origin null.
    """
    if sys.stdout is not None and sys.stdout.isatty():
        raise Usage("This writes a page, which a terminal cannot show.", "Type: chat page > chat.html")
    html = single_file()
    sys.stdout.write(html)
    data = html.encode()
    tell(f"Wrote a page of {len(data):,} bytes ({len(compressed(data)):,} compressed). Open the file in a browser.")
    return int(Exit.OK)
