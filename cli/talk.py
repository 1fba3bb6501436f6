"""`chat serve` and `chat connect`."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from plytalk.api.assembly import make_client, make_server, server_address
from plytalk.api.choice import Choice
from plytalk.api.doors import connecting_address, listening_address
from plytalk.api.local_names import run_client
from plytalk.cli.hidden_input import has_no_input, is_empty
from plytalk.cli.invite import announce, newcomer, open_to_all, warn, weakness
from plytalk.cli.main import complain, is_debugging
from plytalk.cli.open_files import limits_for
from plytalk.cli.parameters import TEXT, ContactType, PortType, SecondsType
from plytalk.cli.relay_option import relay_option
from plytalk.cli.stacks import StackCommand, layer_options
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.cli.typed_words import Asker, refuse_code, refuse_seed
from plytalk.cli.web_option import inspect_option, inspected, refuse_other_stacks, web_option
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.limits import DEFAULT_LIMITS, Limits
from plytalk.core.contracts.optional import Remembers
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.endpoints.loop_faults import run_telling_faults
from plytalk.core.io.address import Address
from plytalk.core.io.standard_streams import tell
from plytalk.core.stack.selection import Stack
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from plytalk.core.endpoints.listening import Door, WayIn
    from plytalk.core.endpoints.server import ListenAddress, Server

FULL_SEARCH = 1000
"""How many garbage collections of younger objects come before one of all objects; Python's default is 10."""

SERVE_EXAMPLES = """\b
Examples:
  chat serve                                       wait on this machine, until everyone has left
  chat serve --host 0.0.0.0 --keep                 listen on every network, and keep running when all have left
  chat serve --keep --headless --room kitchen      a room with nobody at the server
  chat serve --door unix:room.sock --door tcp:0.0.0.0:9000    several places to listen, one room
  chat serve --relay relay.example.org --code      be reachable behind a NAT, through a relay
  chat serve --web 127.0.0.1:8080 --keep           open a page for people who have only a browser
  chat serve --lan                                 be found on the local network, by `chat find`
  chat serve --guests demo02:5002,secure-chat      let programs of the existing chats into the room
  chat serve --profile demo01                      be the server of an existing plaintext chat
  chat serve --cipher aesgcm --handshake rsa       choose the layers by name
  printf 'hello\\n' | chat serve --ui jsonl         talk through pipes
"""

CONNECT_EXAMPLES = """\b
Examples:
  chat connect 127.0.0.1                           talk to a server on this machine
  chat connect chat.example.org:9000               another machine, another port
  chat connect '[::1]:9000' --cipher none          IPv6; plaintext, with its warning
  chat connect 192.0.2.7 --profile demo02          talk to an existing encrypted chat
  chat connect 192.0.2.7 --code --save-as alice    begin with a one-time code, and keep the key
  chat connect 412@relay.example.org --code        through a relay, by a number and a code
  chat connect @alice                              come back: the same address, and only that key
  chat connect HOST --name bob --reconnect         be bob in its room, and come back after a cut
  chat connect kitchen.local                       a server of the local network: `chat find` lists them
  chat connect wss://chat.example.org/             over WebSocket, through networks that let only the web through
"""


class TalkCommand(StackCommand):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_code(ctx, args)
        refuse_seed(args)
        return super().parse_args(ctx, args)


ping_option = click.option(
    "--ping",
    type=SecondsType(0),
    default=DEFAULT_LIMITS.ping,
    metavar="SECONDS",
    help="Ping a silent peer after this time, and end the connection after as long again (default 30; 0: never).",
)


@click.command(cls=TalkCommand, role=Role.RESPONDER, epilog=SERVE_EXAMPLES)
@click.option(
    "--host",
    type=TEXT,
    help="Address to listen on (default 127.0.0.1; :: for every network, 0.0.0.0 for IPv4 alone).",
    envvar="PLYTALK_HOST",
)
@click.option(
    "--port",
    type=PortType(0),
    metavar="N",
    help="Port to listen on (default: the stack's own; 0: any free one).",
    envvar="PLYTALK_PORT",
)
@click.option(
    "--door",
    "doors",
    type=TEXT,
    multiple=True,
    metavar="TRANSPORT[:HOST[:PORT]]",
    expose_value=False,
    help="Listen here (repeatable: all doors lead into one room). Without --host, --port or --transport, only here.",
)
@click.option("--stdio", is_flag=True, help="Talk with one peer over standard input and output, as behind sshd.")
@relay_option
@web_option
@inspect_option
@click.option("--once/--keep", default=True, help="End when everyone has left (default), or keep waiting for others.")
@click.option("--headless", is_flag=True, help="Run without a person at the server: the same as --ui none.")
@click.option(
    "--guests",
    type=TEXT,
    metavar="NAMES",
    help="Listen for existing chats as well: PROFILE[:PORT],... Guests are marked in the room.",
)
@click.option("--members", type=click.IntRange(1), metavar="N", help="Maximum number of members at a time (default 1000).")
@ping_option
@trace_option
@layer_options
def serve(
    choice: Choice,
    host: str | None,
    port: int | None,
    stdio: bool,
    web_inspect: bool,
    once: bool,
    headless: bool,
    guests: str | None,
    members: int | None,
    ping: float,
    trace: Path | None,
) -> int:
    """Wait for people to connect, and talk with them."""
    from plytalk.api.guest_ports import guest_addresses

    if not stdio and is_empty() and not once and choice.classes["ui"][0].name == "console" and not headless:
        headless = True
        tell("Standard input is empty, so the server goes on as with --headless. To talk here, start it in a terminal.")
    if headless:
        choice.classes["ui"] = [choice.registry.layer("ui", "none")]
    refuse_other_stacks(choice, web_inspect)
    stack = choice.stack()
    stack.ui.stays = stdio or has_no_input() or not once  # without any input, a server can still be there to listen
    first, *doors = listen_addresses(choice, stack, host, port)
    for auth in stack.auths:
        if isinstance(auth, Remembers):
            auth.remembers = True
    with tracing(trace, partial(notify, stack.ui)) as tracer:
        server: Server = make_server(
            choice,
            first.stack,
            limits=limits_for(members, ping),
            doors=doors,
            guests=guest_addresses(choice, stack, first.host, guests.split(",") if guests else ()),
            secret=Asker(),
            trace=inspected(stack, [first, *doors], tracer) if web_inspect else tracer,
            announce=lambda doors, guests: announced(choice, doors, guests, server.said),
            introduce=newcomer if stack.ui.present else lambda session: (),
        )
        return run(attended(server, server.run(first.host, first.port, keep=not once), keep=not once))


def announced(
    choice: Choice, doors: "Sequence[Door]", guests: "Sequence[Door]", before: Sequence[str]
) -> "Iterator[str | WayIn]":
    """What a server says when it listens, behind what it has said before: warnings last, once."""
    stack = doors[0].stack
    said = open_to_all(stack) and {Property.SECRECY, Property.INTEGRITY} <= stack.gives  # the invitation says who may come in
    warning = "" if said else weakness(choice)
    yield from announce(choice, doors, guests, [*before, warning])
    warn(warning)


async def attended(server: "Server", conversations: Coroutine[Any, Any, Ending], keep: bool) -> Ending:
    """Let the system tell an unattended server to end (SIGTERM) and to reload its files (SIGHUP)."""
    loop = asyncio.get_running_loop()
    alone = not server.stack.ui.present
    if keep or alone:  # with thousands of members, a garbage collection of all objects takes so long that people notice
        gc.set_threshold(*gc.get_threshold()[:2], FULL_SEARCH)
    with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # Windows, or embedded in another program
        if keep or alone:
            loop.add_signal_handler(signal.SIGTERM, server.stop)
        if alone:
            loop.add_signal_handler(signal.SIGHUP, server.reread)
    return await conversations


@click.command(cls=TalkCommand, role=Role.INITIATOR, epilog=CONNECT_EXAMPLES)
@click.argument("address", type=ContactType(), metavar="HOST[:PORT]|URL|@NAME")
@click.option(
    "--port",
    type=PortType(1),
    metavar="N",
    help="Port to connect to (default: the stack's own).",
    envvar="PLYTALK_PORT",
)
@ping_option
@trace_option
@layer_options
def connect(choice: Choice, address: str, port: int | None, ping: float, trace: Path | None) -> int:
    """Connect to a chat and talk."""
    written = server_address(choice, address)
    stack = choice.stack()
    try:
        server = connecting_address(stack.transport, written)
    except Usage as error:
        if written is address:
            raise
        raise Usage(
            f"The address kept for {shorten(address)} cannot be used. {error}", f"Correct it in {user_file('contacts')}."
        ) from None
    choice.check_given(stack.transport, server.host)
    number = agreed_port(server, port)
    with tracing(trace, partial(notify, stack.ui)) as tracer:
        client = make_client(
            choice, stack, limits=Limits(ping=ping), secret=Asker(), trace=tracer, announce=lambda: warn(weakness(choice))
        )
        return run(run_client(client, Address(server.host, number), choice.port, tell))


def agreed_port(address: Address, port: int | None) -> int | None:
    """The port that was written in an address or given by --port. Raises Usage if they differ."""
    # The environment's port gives way to one that was written.
    if address.port is not None and is_typed("port") and address.port != port:
        raise Usage(f"{address} names the port {address.port} and --port says {port}.", "Give one of them.")
    return port if address.port is None else address.port


def listen_addresses(choice: Choice, stack: Stack, host: str | None, port: int | None) -> "list[ListenAddress]":
    """Where to listen: at the stack's own place, unless the command line names doors alone, and at the doors. Raises Usage."""
    if only := stack.transport.only_place:
        if choice.doors or any(map(is_typed, ("host", "port", "guests"))):
            raise Usage(f"This server has only one peer, over {only}.", "Leave out --host, --port, --guests and all doors.")
        return [choice.listen_address(stack, only)]
    doors = choice.door_addresses(stack, None if is_typed("port") else port)
    if doors and not any(map(is_typed, ("host", "port", "transport"))):
        return doors
    where = choice.settings.get("host") if host is None else host
    return [choice.listen_address(stack, where, agreed_port(listening_address(stack.transport, where), port)), *doors]


def is_typed(option: str) -> bool:
    """Whether an option is on the command line, and not from elsewhere."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def run(conversation: Coroutine[Any, Any, Ending]) -> int:
    """Run to the end, on uvloop where it is installed (the extra `fast`)."""
    if is_debugging():
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            ending = runner.run(conversation)
    else:
        ending = run_telling_faults(conversation, tell, fast_loop())
    if ending.error:
        complain(ending.error.sentence)
    return int(ending.exit_code)


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's way to make an event loop; None where it is not installed, for asyncio's."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    new: Callable[[], asyncio.AbstractEventLoop] = new_event_loop  # mypy sees its type only where uvloop is installed
    return new
