"""A command in place of a connection, as OpenSSH's ProxyCommand: what it reads and writes are the bytes of the conversation.

    chat connect HOST --proxy-command 'ssh -W %h:%p jump.example.org'

The command is split into words as a shell does it, and no shell is run. %h and %p become the host and the port, %% a percent
sign; in %h:%p an IPv6 address gets its brackets. Its standard input and output are one end of a pair of sockets, so each
direction ends for itself. A command that still runs when the conversation is over is terminated.
"""

import asyncio
import re
import shlex
import socket
import subprocess
import threading

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.address import join_address
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.core.registry.hookspecs import hookimpl

COMMAND = Option(
    "proxy-command",
    "Talk through this command, such as 'ssh -W %h:%p JUMP', in place of a connection to the host (%h) and port (%p).",
    metavar="COMMAND",
    role=Role.INITIATOR,
)


class CommandStream(AsyncioStream):
    """The stream to a command. If that ends before anything came from it, the end is a CannotConnect with its exit code."""

    def __init__(self, name: str, command: str, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(name=name)
        self._command, self._process, self._heard = command, process, False
        self._exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._telling: asyncio.Task[None] | None = None

    def exited(self, code: int) -> None:
        """The command has ended."""
        if not self._exit_code.done():
            self._exit_code.set_result(code)

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = True
        super().buffer_updated(nbytes)

    def _end(self, error: Exception | None) -> None:
        if self._heard:
            super()._end(error)
        elif self._telling is None:
            self._telling = asyncio.ensure_future(self._tell_failure())

    def close(self) -> None:
        self._heard = True  # nobody asks any more why nothing came
        if self._telling:
            self._telling.cancel()
            self._telling = None
        if self._over is None:  # it has not ended by itself, and might never, as ssh does to a server that hangs
            self._process.terminate()
        super().close()

    async def _tell_failure(self) -> None:
        code = await asyncio.shield(self._exit_code)
        said = f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
        what = f"The command `{shorten(self._command)}` {said}, and nothing came from it."
        super()._end(CannotConnect(what, "It may say why above."))
        self._on_end = None

    def connection_lost(self, exc: Exception | None) -> None:
        waiting = self._on_end
        super().connection_lost(exc)
        if self._telling and not self._telling.done():  # the one who waits for the end is told when the command has ended
            self._on_end = waiting


class CommandTransport(Transport):
    """The input and output of a command, such as ssh: only to connect."""

    name = "command"
    options = (COMMAND,)
    passes_names_on = True
    patience = DEFAULT_LIMITS.person  # it may first ask its user for a password
    caution = "the command sees what every network on the way sees: addresses, times and sizes, and can cut."

    def __init__(self, proxy_command: str | None = None) -> None:
        self._command = proxy_command

    async def listen(self, host: str, port: int) -> Listener:
        raise Usage("Nobody can listen by the transport `command`.", "`chat serve --stdio` is what such a command can run.")

    async def connect(self, host: str, port: int) -> Stream:
        if not self._command:
            raise Usage("The transport `command` needs a command.", "Give --proxy-command COMMAND.")
        words = filled_in(self._command, host, port)
        ours, theirs = socket.socketpair()
        try:
            process = run(words, theirs)
        except (OSError, ValueError) as error:
            ours.close()
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise CannotConnect(f"The command `{shorten(words[0])}` cannot be run: {why}.", "Check its name.") from None
        stream = CommandStream(join_address(host, port), words[0], process)
        threading.Thread(target=reap, args=(process, asyncio.get_running_loop(), stream), daemon=True).start()
        ours.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: stream, sock=ours)
        return stream


def run(words: list[str], theirs: socket.socket) -> "subprocess.Popen[bytes]":
    """Start a command with one end of a pair of sockets as its input and output. Raises OSError, ValueError."""
    with theirs:
        return subprocess.Popen(words, stdin=theirs.fileno(), stdout=theirs.fileno())


def filled_in(command: str, host: str, port: int) -> list[str]:
    """The words of a command, with the host and the port. Raises Usage."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Usage(f"--proxy-command cannot be split into words: {str(error).lower()}.") from None
    if not words:
        raise Usage("--proxy-command is empty.")
    values = {"%h:%p": join_address(host, port), "%h": host, "%p": str(port), "%%": "%"}
    return [re.sub("%h:%p|%[hp%]", lambda found: values[found[0]], word) for word in words]


def reap(process: "subprocess.Popen[bytes]", loop: asyncio.AbstractEventLoop, stream: CommandStream) -> None:
    """Wait for a command to end, in a thread."""
    code = process.wait()
    try:
        loop.call_soon_threadsafe(stream.exited, code)
    except RuntimeError:  # the loop has ended
        return


@hookimpl
def layers() -> list[type[CommandTransport]]:
    return [CommandTransport]
