"""`chat send` and `chat receive`: files from one shell to another."""

import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from plytalk.api.assembly import make_client, make_server, server_address
from plytalk.api.choice import Choice
from plytalk.api.doors import connecting_address
from plytalk.api.local_names import run_client
from plytalk.cli.invite import place_words, warn, weakness, who_may_come
from plytalk.cli.main import complain
from plytalk.cli.parameters import TEXT, ContactType, PortType
from plytalk.cli.relay_option import relay_option
from plytalk.cli.send_ui import SendUi
from plytalk.cli.stacks import layer_options
from plytalk.cli.talk import TalkCommand, agreed_port, listen_addresses, ping_option, run
from plytalk.cli.transfer_ui import ReceiveUi, TransferUi
from plytalk.cli.typed_words import Asker
from plytalk.core.contracts.errors import Exit
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.io.address import Address
from plytalk.core.io.standard_streams import tell
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.stack.selection import Stack
from plytalk.plugins.authenticators.code import Code
from plytalk.plugins.files.file_words import path_word
from plytalk.plugins.files.piped import Piped
from plytalk.trust.code_returns import Returns
from plytalk.trust.contacts import Contacts
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from plytalk.core.endpoints.listening import Door

STANDARD_INPUT = "standard-input"
"""What standard input is called at the receiver."""

SEND_EXAMPLES = """\b
Examples:
  chat send report.pdf                          wait, and show the command and the code for the other side
  chat send photos/ --host 0.0.0.0              a folder, for another machine of this network
  chat send report.pdf --relay relay.example.org  from behind a NAT, through a relay
  tar c . | chat send -                         what another program writes
  chat send report.pdf --to @alice              to a contact who runs `chat serve`, and to nobody else there
  chat send report.pdf --to chat.example.org    to everybody in a room
"""
RECEIVE_EXAMPLES = """\b
Examples:
  chat receive 192.0.2.7                        asks for the code, and about each file
  chat receive 412@relay.example.org            through a relay
  chat receive 192.0.2.7 --yes --into ~/films   accepts everything
  chat receive 192.0.2.7 --into - | tar x       writes what was received to standard output
  echo 7-orbit-velvet | chat receive HOST --yes  the code is the first line of standard input
"""


class SendCommand(TalkCommand):
    """A client with --to, else a server."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = any(arg == "--to" or arg.startswith("--to=") for arg in args)
        self._role = Role.INITIATOR if named else Role.RESPONDER
        return super().parse_args(ctx, args)


quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")


@click.command(cls=SendCommand, role=Role.RESPONDER, epilog=SEND_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=TEXT)
@click.option(
    "--to",
    type=ContactType(),
    metavar="HOST[:PORT]|@NAME",
    help="Offer the files to everybody in the chat there; with @NAME, to this contact alone.",
)
@click.option("--host", type=TEXT, help="Address to wait on (default 127.0.0.1; :: for every network).", envvar="PLYTALK_HOST")
@click.option(
    "--port", type=PortType(0), metavar="N", help="Port (default: the stack's own; 0: any free one).", envvar="PLYTALK_PORT"
)
@relay_option
@quiet_option
@ping_option
@layer_options
def send(
    choice: Choice, files: Sequence[str], to: str | None, host: str | None, port: int | None, quiet: bool, ping: float
) -> int:
    """Send files or folders to somebody.

    The other side runs `chat receive`, or with --to is in a chat. FILE may be - for standard input: it is sent as it is read, to
    one receiver, and cannot be resumed.
    """
    from plytalk.plugins.files.made_offers import check_count
    from plytalk.plugins.files.source import check_source

    check_count(len(files))
    for file in files:
        if file != "-":  # before the other side is told a code
            check_source(file)
    limits = replace(Limits(), ping=ping)
    if "-" in files and not quiet:
        tell("Standard input is sent as it is read: to one receiver, and it cannot be resumed.")
    return sent(choice, shown_by(choice, SendUi(opened(files), quiet)), to, host, port, limits)


def sent(choice: Choice, ui: SendUi, to: str | None, host: str | None, port: int | None, limits: Limits) -> int:
    """Offer what the UI has, as a client or as a server; gives the exit code. Raises ChatError."""
    if to is not None:
        if to.startswith("@"):
            contact = Contacts(user_file("contacts")).get(to)
            ui.whom = f"@{contact.name}", contact.key.fingerprint
        return ended(ui, connected(choice, to, port, limits))
    if not choice.classes.get("auth"):
        choice.classes["auth"] = [choice.registry.layer("auth", "code")]
    stack = choice.stack()
    codes = let_return(stack, "send", *map(os.path.abspath, ui.paths))
    ui.when_over, ui.waits = lambda: forget(codes), bool(codes)
    (first, *doors) = listen_addresses(choice, stack, host, port)
    announce = partial(told_to_receivers, choice, ui)
    server = make_server(choice, first.stack, limits=limits, doors=doors, secret=Asker(), announce=announce)
    return ended(ui, run(server.run(first.host, first.port, keep=bool(codes))))


def let_return(stack: Stack, *about: str) -> list[Returns]:
    """Let the client that has given a one-time code reconnect for the same files, as after a cut."""
    codes = [auth for auth in stack.auths if isinstance(auth, Code)]
    for code in codes:
        code.returns = Returns("\n".join(about))
    return [code.returns for code in codes if code.returns]


def forget(codes: Sequence[Returns]) -> None:
    """Forget the secret for reconnecting: the transfer is over."""
    for code in codes:
        code.forget()


def opened(files: Sequence[str]) -> list[str]:
    """The paths, with standard input in place of `-`: what reads a code or an answer there must not take what is sent."""
    files = [path_word(file) for file in files]
    if "-" not in files:
        return files
    if files.count("-") > 1:
        raise click.UsageError("Standard input can be sent once only.")
    piped = Piped.of(STANDARD_INPUT, os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return [piped if file == "-" else file for file in files]


def told_to_receivers(choice: Choice, ui: SendUi, doors: "Sequence[Door]", guests: "Sequence[Door]") -> tuple[()]:
    """Print what the other side types, and a one-time code on a line alone; on a terminal also what that is, and who can come."""
    codes = [auth.words for auth in doors[0].stack.auths if isinstance(auth, Code)]
    if ui.draws:
        tell(f"The other side types this{', and then the code' if codes else ''}:")
    ui.print_lines(*(shlex.join(["chat", "receive", *place_words(choice, stack, address)]) for stack, address in doors), *codes)
    for sentence in who_may_come(doors, guests, proxied=False) if ui.draws else ():
        tell(sentence)
    warn(weakness(choice))
    return ()


@click.command(cls=TalkCommand, role=Role.INITIATOR, epilog=RECEIVE_EXAMPLES)
@click.argument("address", type=ContactType(), metavar="HOST[:PORT]|@NAME")
@click.option(
    "--port", type=PortType(1), metavar="N", help="Port to connect to (default: the stack's own).", envvar="PLYTALK_PORT"
)
@click.option(
    "--overwrite", is_flag=True, help="Ask whether to replace a file that exists. Without it a number is added to the name."
)
@quiet_option
@ping_option
@layer_options
def receive(choice: Choice, address: str, port: int | None, overwrite: bool, quiet: bool, ping: float) -> int:
    """Receive files that somebody sends with `chat send`.

    With --into -, the file is written to standard output once it is complete.
    """
    auths = [layer.name for layer in choice.classes.get("auth", [])]
    if auths == ["known-hosts"] and not address.startswith("@"):
        choice.classes["auth"] = [choice.registry.layer("auth", "code")]
    limits, yes = replace(Limits(), ping=ping), bool(choice.options.get("yes"))
    choice.options.setdefault("reconnect", True)
    if choice.options.get("into") != Path("-"):
        into = choice.options.get("into") or Path()
        ui = shown_by(choice, ReceiveUi(yes, quiet, into if overwrite else None))
        return ended(ui, connected(choice, address, port, limits))
    with TemporaryFolder() as folder:
        choice.options["into"] = folder
        ui = shown_by(choice, ReceiveUi(yes, quiet=True))
        code = ended(ui, connected(choice, address, port, limits))
        return code or written_out(folder)


def written_out(folder: Path) -> int:
    """Write the files of a folder to standard output, one after another; gives the exit code."""
    for path in sorted(folder.iterdir()):
        if os.path.isdir(path):
            complain(f"{path.name} is a folder, which standard output cannot take: choose another place with --into.")
            return Exit.FAILED
        with path.open("rb") as source, open(1, "wb", closefd=False) as target:
            copyfileobj(source, target)
    return Exit.OK


def shown_by(choice: Choice, ui: Any) -> Any:
    """Show the conversation with this UI."""
    choice.classes["ui"], choice.made[type(ui)] = [type(ui)], ui
    return ui


def connected(choice: Choice, address: str, port: int | None, limits: Limits) -> int:
    """Take part in a chat as a client, to its end; gives the exit code. Raises ChatError."""
    written = server_address(choice, address)
    stack = choice.stack()
    codes = let_return(stack, "receive")
    server = connecting_address(stack.transport, written)
    choice.check_given(stack.transport, server.host)
    number = agreed_port(server, port)
    client = make_client(choice, stack, limits=limits, secret=Asker(), announce=lambda: warn(weakness(choice)))
    code = run(run_client(client, Address(server.host, number), choice.port, tell))
    if not code:
        forget(codes)
    return code


def ended(ui: TransferUi, code: int) -> int:
    """The exit code: that of the conversation, or a failure where not all was transferred."""
    if code or not ui.unfinished:
        return code
    if not ui.failed:  # otherwise it has been said why
        complain("The other side has left before everything was transferred.")
    return Exit.FAILED
