"""`chat demo`: a real server and a real client in one terminal, and what goes over the wire."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from plytalk.api.choice import Choice, resolve
from plytalk.cli.demo_summary import Demonstration, comparison, summary
from plytalk.cli.inspect import lines, write
from plytalk.cli.invite import warn, weakness
from plytalk.cli.main import paint
from plytalk.cli.parameters import FILE
from plytalk.cli.stacks import StackCommand, layer_options
from plytalk.cli.talk import run
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BrokenPlugin, ChatError, PluginError, RemoteError, Truncated, Usage
from plytalk.core.contracts.events import Event, Message, Notice
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.pipeline.tracing import Trace, TraceEvent
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.page import page
from plytalk.trust import identity

EXAMPLES = """\b
Examples:
  chat demo                          the stack that runs when nothing is chosen
  chat demo --cipher none            the same words, readable by anyone on the network
  chat demo --profile demo02         the frames of an existing chat
  chat demo --full                   every byte, layer by layer
  chat demo --compare                three stacks side by side
"""
WORDS = {"client": ["Meet me at the usual place at nine.", "exit"], "server": ["I will be there. Bring the umbrella!"]}
COMPARED = ("demo01", "secure-chat", "plytalk1")
LONGEST = 60.0
"""How long a demonstration may take, in seconds."""
PATIENT = Limits(first_byte=LONGEST / 2, handshake=LONGEST / 2)
"""Both ends are this program, so one that is slow is on a busy machine."""
CHECK = "`chat plugins --check` uses each layer by itself and says what it finds."
UNENDING = "The demonstration has not ended within a minute: what one side says does not arrive at the other."


class Overheard:
    """A trace for the screen, with times since its beginning. It passes everything to the user's trace, if there is one, and asks
    for no more than that one does.
    """

    def __init__(self, trace: Trace | None) -> None:
        self.events: list[TraceEvent] = []
        self.secrets = bool(getattr(trace, "secrets", False))
        self._trace = trace
        self._began: float | None = None

    def __call__(self, event: TraceEvent) -> None:
        self._began = event.time if self._began is None else self._began
        self.events.append(replace(event, time=event.time - self._began))
        if self._trace:
            self._trace(event)


class Script(Ui):
    """Says the lines of one side: the client begins, and each line answers the one before."""

    name = "script"

    def __init__(self, side: str, address: "asyncio.Future[str] | None" = None) -> None:
        self._side, self._address = side, address
        self._lines = iter(WORDS[side])

    async def run(self, session: Conversation) -> None:
        self._session = session
        if self._side == "client":
            self._say_next()
        await asyncio.Event().wait()

    def show(self, event: Event) -> None:
        if isinstance(event, Message) and not event.own:
            self._say_next()
        elif isinstance(event, Notice) and event.code == "listening" and self._address and event.data:
            self._address.set_result(event.data["address"])

    def _say_next(self) -> None:
        if line := next(self._lines, None):
            self._session.say(line)


class Rejections:
    """Why the server of a demonstration did not let the client in."""

    def __init__(self) -> None:
        self.errors: list[ChatError] = []

    @hookimpl
    def turned_away(self, address: str, error: ChatError) -> None:
        self.errors.append(error)


@click.command(cls=StackCommand, epilog=EXAMPLES)
@click.option("--full", is_flag=True, help="Show every frame, and what each layer made of it, byte by byte.")
@click.option("--compare", is_flag=True, help=f"Show the same words over {', '.join(COMPARED)}, side by side.")
@click.option("--html", type=FILE, metavar="OUT", help="Write a self-contained page with every frame.")
@trace_option
@layer_options
def demo(choice: Choice, trace: Path | None, full: bool, compare: bool, html: Path | None) -> int:
    """Show a conversation, and what an eavesdropper learns from it."""
    if compare:
        if full or html or trace:
            raise Usage("--compare is about several conversations.", "Leave out --full, --html and --trace.")
        return compared(choice.registry)
    with tracing(trace) as tracer:
        ending, shown = had(choice, tracer)
    if html:
        write(html, page(shown.frames, "A conversation, layer by layer").encode())
    if full:
        print("\n".join(describe(shown)))
    elif not html:
        print("\n".join(summary(shown)))
    return ending


def had(choice: Choice, trace: Trace | None = None) -> tuple[int, Demonstration]:
    """Run the conversation. Return the exit code, and what was seen of it."""
    heard = Overheard(trace)
    with TemporaryFolder() as folder:
        server, client = two_stacks(choice, folder)
        code = run(run_conversation(choice, server, client, folder, heard))
    return code, Demonstration(client, inspect_frames(heard.events))


def compared(registry: Registry) -> int:
    """The same words over a plaintext chat, an encrypted one, and the default."""
    demos, codes = [], []
    for name in COMPARED:
        profile = registry.profile(name)
        code, shown = had(Choice(registry, resolve(registry, {"ui": ["none"]}, profile, {}), profile))
        demos.append((name, shown))
        codes.append(code)
    print("\n".join(comparison(demos)))
    return max(codes)


def two_stacks(choice: Choice, folder: Path) -> tuple[Stack, Stack]:
    """A stack for the server and one for the client, without what lives beside a conversation. Where they have identities, these
    are made for the demo alone, and the client knows the server's: nothing of the user's own is read or written.
    """
    server, client = replace(choice, options=dict(choice.options)), replace(choice, options=dict(choice.options))
    server.classes, client.classes = ({**choice.classes, "auth": list[type[Layer]](), "feature": []} for _ in range(2))
    handshake = choice.classes["handshake"][0]
    if any(option.name == "identity" for option in handshake.options):
        server.options["identity"], client.options["identity"] = folder / "server", folder / "client"
        fingerprint = identity.create(folder / "server").fingerprint
        identity.create(folder / "client")
        if issubclass(handshake, Handshake) and Role.RESPONDER in handshake.shows:
            client.options["peer"] = fingerprint
            client.classes["auth"] = [choice.registry.layer("auth", "peer")]
    warn(weakness(client))
    return server.stack(), client.stack()


async def run_conversation(choice: Choice, server_stack: Stack, client_stack: Stack, folder: Path, trace: Trace) -> Ending:
    """A server and a client in this process, over a real socket."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    choice.registry.manager.register(refused := Rejections())
    hook = choice.registry.manager.hook
    server = Server(replace(server_stack, ui=Script("server", address)), hook, limits=PATIENT)
    client = Client(replace(client_stack, ui=Script("client")), hook, limits=PATIENT, trace=trace)
    place = str(folder / "demo") if server_stack.transport.names_place else "127.0.0.1"
    serving = asyncio.create_task(server.run(place, 0))
    either: set[asyncio.Future[Any]] = {serving, address}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        return serving.result()
    host, _, port = address.result().rpartition(":") if place == "127.0.0.1" else (place, "", "0")
    try:
        async with asyncio.timeout(LONGEST):
            ending = await client.run(host, int(port))
            endings = [ending] if refused.errors else [ending, await serving]
    except TimeoutError:
        raise BrokenPlugin(UNENDING, CHECK) from None
    except RemoteError as error:
        raise at_fault([error, *refused.errors], client_stack) from None
    errors = [*refused.errors, *(one.error for one in endings if one.error and not isinstance(one.error, Truncated))]
    if not errors:
        return ending
    fault = at_fault(errors, client_stack)
    return Ending(EndedBy.FAULT, fault.sentence, fault)


def at_fault(errors: Sequence[ChatError], stack: Stack) -> PluginError:
    """Both ends are this program: if one finds a fault in the other, a layer has broken its contract."""
    if known := next((error for error in errors if isinstance(error, PluginError)), None):
        return known
    said = f"A layer of {stack.line} does not keep its contract: one side cannot read the other. {errors[-1]}"
    return BrokenPlugin(said, CHECK)


def describe(shown: Demonstration) -> Iterator[str]:
    """Every frame, as `chat inspect` shows it."""
    yield paint(f"A conversation over {shown.stack.line}", "1", 1)
    yield paint("What each layer did with it, at the client (-> sent, <- received)", "1", 1)
    for frame in shown.passed:
        yield from lines(frame)
