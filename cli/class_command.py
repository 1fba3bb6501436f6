"""`chat lab class`: a server for a class, with the teacher at its console."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from plytalk.api.arguments import choose_layers
from plytalk.api.assembly import make_server
from plytalk.cli.hidden_input import is_empty
from plytalk.cli.parameters import FILE, TEXT
from plytalk.cli.talk import attended, run
from plytalk.cli.typed_words import Asker
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.ui import Ui
from plytalk.core.endpoints.listening import Door
from plytalk.core.io.address import parse_address
from plytalk.core.registry.registry import Registry
from plytalk.lab.classroom.class_feature import LIMITS, ClassFeature
from plytalk.plugins.small_http import listen_address

TEACHER = "teacher"
PAGE = "127.0.0.1:7592"
EXAMPLES = """\b
Examples:
  chat lab class --roster 4b.txt                          on this machine, to try it
  chat lab class --roster 4b.txt --listen 0.0.0.0:7591    for the network of the classroom
"""


@click.command("class", epilog=EXAMPLES)
@click.option("--roster", type=FILE, required=True, metavar="FILE", help="The students: a name on each line, and a key if known.")
@click.option("--listen", type=TEXT, default="127.0.0.1", metavar="HOST[:PORT]", help="Where students connect.")
@click.option("--page", type=TEXT, default=PAGE, metavar="HOST:PORT", help=f"Where the page is (default {PAGE}).")
@click.option("--reports", type=FILE, default="reports", metavar="DIR", help="Where reports are kept (default: ./reports).")
@click.option("--run-programs", is_flag=True, help="Run answers that are programs. They can do what you can.")
def class_(roster: Path, listen: str, page: str, reports: Path, run_programs: bool) -> int:
    """Serve a class: a room for each student, their progress on a page, and hints."""
    feature = ClassFeature(roster, reports, listen_address("--page", page, 7592), run_programs)
    address = parse_address(listen, listen=True)
    ui = Registry().layer("ui", "none" if is_empty() else "console")()
    assert isinstance(ui, Ui)
    choice = choose_layers(ui, Role.RESPONDER, None, {"feature": feature, "name": TEACHER})
    stack = choice.stack()
    stack.ui.stays = True
    server = make_server(choice, stack, limits=LIMITS, secret=Asker(), announce=announced)
    return run(
        attended(server, server.run(address.host, choice.port if address.port is None else address.port, keep=True), keep=True)
    )


def announced(doors: Sequence[Door], guests: Sequence[Door]) -> Iterator[str]:
    """What students have to type."""
    [door] = doors
    identity = door.stack.handshake.identity
    pin = f" --peer {identity.fingerprint}" if identity else ""
    yield f"Students connect with:  chat connect {door.address}{pin} --name NAME"
