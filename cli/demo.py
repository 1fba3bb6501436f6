"""`chat demo`: a real server and a real client in one terminal, and what each layer made of the words."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from plytalk.api.choice import Choice
from plytalk.cli.inspect import lines
from plytalk.cli.main import paint
from plytalk.cli.stacks import StackCommand, layer_options
from plytalk.cli.talk import run, warn
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.events import Event, Message, Notice
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.pipeline.tracing import Trace, TraceEvent
from plytalk.core.stack.selection import Stack
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.trust import identity

EXAMPLES = """\b
Examples:
  chat demo                          the stack that runs when nothing is chosen
  chat demo --cipher none            the same words, readable by anyone on the network
  chat demo --profile demo02         the frames of an existing chat
"""
WORDS = {"client": ["Meet me at the usual place at nine.", "exit"], "server": ["I will be there. Bring the umbrella!"]}
OTHER = {"client": "server", "server": "client"}


class Overheard:
    """A trace for the screen, with times since its beginning. It passes all on to the user's, if there is one, and asks for no
    more than that one does.
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

    def __init__(self, side: str, spoken: list[str], address: "asyncio.Future[str] | None" = None) -> None:
        self._side, self._spoken, self._address = side, spoken, address
        self._lines = iter(WORDS[side])

    async def run(self, session: Conversation) -> None:
        self._session = session
        if self._side == "client":
            self._say_next()
        await asyncio.Event().wait()

    def show(self, event: Event) -> None:
        if isinstance(event, Message) and not event.own:
            self._spoken.append(f"{OTHER[self._side]}  {event.text}")
            self._say_next()
        elif isinstance(event, Notice) and event.code == "listening" and self._address and event.data:
            self._address.set_result(event.data["address"])

    def _say_next(self) -> None:
        if line := next(self._lines, None):
            self._session.say(line)


@click.command(cls=StackCommand, epilog=EXAMPLES)
@trace_option
@layer_options
def demo(choice: Choice, trace: Path | None) -> int:
    """Show a conversation and what each layer makes of it."""
    with tempfile.TemporaryDirectory() as folder, tracing(trace) as tracer:
        return run(converse(choice, Path(folder), tracer))


def two_stacks(choice: Choice, folder: Path) -> tuple[Stack, Stack]:
    """A stack for the server and one for the client, without what lives beside a conversation. Where they have identities, these
    are made for the demo alone, and the client knows the server's: nothing of the user's own is read or written.
    """
    server, client = replace(choice, options=dict(choice.options)), replace(choice, options=dict(choice.options))
    server.classes, client.classes = ({**choice.classes, "auth": list[type[Layer]](), "feature": []} for _ in range(2))
    if any(option.name == "identity" for option in choice.classes["handshake"][0].options):
        server.options["identity"], client.options["identity"] = folder / "server", folder / "client"
        client.options["peer"] = identity.create(folder / "server").fingerprint
        identity.create(folder / "client")
        client.classes["auth"] = [choice.registry.layer("auth", "peer")]
    warn(client)
    return server.stack(), client.stack()


async def converse(choice: Choice, folder: Path, trace: Trace | None) -> Ending:
    """A server and a client in this process, over a real socket; then the page."""
    heard = Overheard(trace)
    spoken: list[str] = []
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server_stack, client_stack = two_stacks(choice, folder)
    at_server = replace(server_stack, ui=Script("server", spoken, address))
    at_client = replace(client_stack, ui=Script("client", spoken))
    hook = choice.registry.manager.hook
    server = Server(at_server, hook)
    client = Client(at_client, hook, trace=heard)
    place = str(folder / "demo") if at_server.transport.names_place else "127.0.0.1"
    serving = asyncio.create_task(server.run(place, 0))
    either: set[asyncio.Future[Any]] = {serving, address}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        return serving.result()
    host, _, port = address.result().rpartition(":") if place == "127.0.0.1" else (place, "", "0")
    ending = await client.run(host, int(port))
    await serving
    print("\n".join(describe(at_client, address.result(), spoken, heard.events)))
    return ending


def describe(stack: Stack, address: str, spoken: list[str], events: list[TraceEvent]) -> Iterator[str]:
    """The lines that are shown: the conversation, and below it what each layer made of it, as `chat inspect` shows it."""
    yield paint(f"A conversation over {stack.line}, server at {address}", "1", 1)
    yield from (f"  {line}" for line in [*spoken, "client  exit"])
    yield ""
    yield paint("What each layer did with it, at the client (-> sent, <- received)", "1", 1)
    for frame in inspect_frames(events):
        if frame.way:
            yield from lines(frame)
