"""`chat demo`: a real server and a real client in one terminal, and what each layer made of the words."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from plytalk.cli.main import paint
from plytalk.cli.stacks import Choice, StackCommand, layer_options
from plytalk.cli.talk import run, warn
from plytalk.cli.tracing import trace_option, tracing
from plytalk.core import identity
from plytalk.core.ends import Client, Server
from plytalk.core.layers import Layer, Ui
from plytalk.core.session import Ending, Session
from plytalk.core.stack import Stack
from plytalk.core.trace import Event, Trace

EXAMPLES = """\b
Examples:
  chat demo                          the stack that runs when nothing is chosen
  chat demo --cipher none            the same words, for everyone on the way to read
  chat demo --profile demo02         the frames of an existing chat
"""
WORDS = {"client": ["Meet me at the usual place at nine.", "exit"], "server": ["I will be there. Bring the umbrella!"]}
PER_LINE, MAX_LINES = 16, 3
OTHER = {"client": "server", "server": "client"}


@dataclass(frozen=True)
class Seen:
    """Something passed a layer's border at one side."""

    side: str
    event: Event


class Script(Ui):
    """Says the lines of one side: the client begins, and each line answers the one before."""

    name = "script"

    def __init__(self, side: str, spoken: list[str], address: "asyncio.Future[str] | None" = None) -> None:
        self._side, self._spoken, self._address = side, spoken, address
        self._lines = iter(WORDS[side])

    def waiting(self, address: str) -> None:
        if self._address:
            self._address.set_result(address)

    def opened(self, session: Session) -> None:
        self._session = session

    async def run(self, session: Session) -> None:
        if self._side == "client":
            self._say_next()
        await asyncio.Event().wait()

    def message(self, text: str) -> None:
        self._spoken.append(f"{OTHER[self._side]}  {text}")
        self._say_next()

    def _say_next(self) -> None:
        if line := next(self._lines, None):
            self._session.say(line)

    def notice(self, sentence: str) -> None:
        pass


@click.command(cls=StackCommand, epilog=EXAMPLES)
@trace_option
@layer_options
def demo(choice: Choice, trace: Path | None) -> int:
    """Show a conversation and what each layer makes of it."""
    with tempfile.TemporaryDirectory() as folder, tracing(trace) as tracer:
        return run(converse(choice, Path(folder), tracer))


def two_stacks(choice: Choice, folder: Path) -> tuple[Stack, Stack]:
    """A stack for the server and one for the client. Where they have identities, these are made for the demo alone, and the
    client knows the server's: nothing of the user's own is read or written.
    """
    server, client = replace(choice, options=dict(choice.options)), replace(choice, options=dict(choice.options))
    server.classes, client.classes = ({**choice.classes, "auth": list[type[Layer]]()} for _ in range(2))
    if any(option.name == "identity" for option in choice.classes["handshake"][0].options):
        server.options["identity"], client.options["identity"] = folder / "server", folder / "client"
        client.options["peer"] = identity.create(folder / "server").fingerprint
        identity.create(folder / "client")
        client.classes["auth"] = [choice.host.layer("auth", "peer")]
    warn(client)
    return server.stack(), client.stack()


async def converse(choice: Choice, folder: Path, trace: Trace | None) -> Ending:
    """A server and a client in this process, over a real socket; then the page."""
    seen: list[Seen] = []
    spoken: list[str] = []
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server_stack, client_stack = two_stacks(choice, folder)
    at_server = replace(server_stack, ui=Script("server", spoken, address))
    at_client = replace(client_stack, ui=Script("client", spoken))
    hook = choice.host.manager.hook
    server = Server(at_server, hook, trace=lambda event: seen.append(Seen("server", event)))

    def at_client_s_border(event: Event) -> None:
        seen.append(Seen("client", event))
        if trace:
            trace(event)

    client = Client(at_client, hook, trace=at_client_s_border)
    place = str(folder / "demo") if at_server.transport.names_place else "127.0.0.1"
    serving = asyncio.create_task(server.run(place, 0))
    either: set[asyncio.Future[Any]] = {serving, address}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        return serving.result()
    host, _, port = address.result().rpartition(":") if place == "127.0.0.1" else (place, "", "0")
    ending = await client.run(host, int(port))
    await serving
    print("\n".join(page(at_client, address.result(), spoken, seen)))
    return ending


def page(stack: Stack, address: str, spoken: list[str], seen: list[Seen]) -> Iterator[str]:
    """The lines that are shown: the conversation, and below it what each layer made of the words."""
    yield paint(f"A conversation over {stack.line}, server at {address}", "1", 1)
    yield from (f"  {line}" for line in [*spoken, "client  exit"])
    first = next((index for index, one in enumerate(seen) if one.event.layer == "messages"), len(seen))
    out = [one for one in seen[:first] if one.event.layer == "framer" and one.event.way == "out"]
    yield ""
    yield paint(f"The handshake `{stack.handshake.name}` on the wire" + ("" if out else ": there is none"), "1", 1)
    for one in out:
        yield f"  {one.side} -> {OTHER[one.side]}   {len(one.event.data)} bytes"
        yield from dump(one.event.data)
    yield ""
    yield paint("What each layer made of the words", "1", 1)
    names = {"messages": stack.make_messages.name, "cipher": stack.cipher.name, "framer": stack.framer.name}
    plaintext = b""
    for one in (one for one in seen[first:] if one.event.way == "out" and one.event.layer in names):
        event = one.event
        if event.layer == "messages":
            plaintext = event.data
            yield f"  {one.side} -> {OTHER[one.side]}"
        yield f"    {event.layer:<9} {names[event.layer]:<17} {len(event.data)} bytes"
        yield from dump(event.data)
        if event.layer == "framer":
            yield verdict(readable=plaintext in event.data)


def verdict(readable: bool) -> str:
    if readable:
        return paint("    -> who listens on the network reads it as it was typed", "31", 1)
    return paint("    -> who listens on the network sees only these bytes", "32", 1)


def dump(data: bytes) -> Iterator[str]:
    """Bytes in hexadecimal and as text; the middle of long ones is left out."""
    lines = [data[at : at + PER_LINE] for at in range(0, len(data), PER_LINE)]
    for line in lines[:MAX_LINES]:
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        yield f"      {line.hex(' '):<{PER_LINE * 3}} {paint(text, '2', 1)}"
    if len(lines) > MAX_LINES:
        yield f"      and {len(data) - MAX_LINES * PER_LINE} bytes more"
