"""`chat relay`: a relay, for people who cannot reach each other."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from plytalk.cli.main import is_debugging
from plytalk.cli.open_files import SPARE, allow_open_files
from plytalk.cli.parameters import FILE, TEXT
from plytalk.core.contracts.errors import Exit, Usage
from plytalk.core.contracts.transport import Transport
from plytalk.core.endpoints.loop_faults import run_telling_faults
from plytalk.core.io.address import EVERY_NETWORK, Address, parse_address
from plytalk.core.io.sizes import size_in_words
from plytalk.core.io.standard_streams import tell
from plytalk.plugins import prometheus
from plytalk.plugins.relay.relay_measures import measures
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.small_http import HttpServer, listen_address
from plytalk.plugins.sockets.web_options import TRUSTED
from plytalk.plugins.transports.relay import PORT
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.ws import Ws
from plytalk.trust.authorized_keys import allowed
from plytalk.trust.named_files import is_stream
from plytalk.trust.store_errors import StoreError

EXAMPLES = """\b
Examples:
  chat relay --listen 0.0.0.0 --name relay.example.org    for everybody
  chat relay --listen :: --name relay.example.org --allow keys.txt
                                                          let only these keys hold a name
  chat relay --listen 0.0.0.0 --name relay.example.org --metrics 127.0.0.1:9592
                                                          serve metrics
  chat relay --ws 127.0.0.1:8080 --trusted-proxy 127.0.0.1 --name relay.example.org
                                                          accept wss:// behind a web server
  chat serve --relay relay.example.org --code             wait for someone through it
  chat connect 412@relay.example.org --code               connect to someone through it
"""
LOCAL = ("127.0.0.1", "::1", "localhost")


@click.command(epilog=EXAMPLES)
@click.option(
    "--listen", type=TEXT, default="127.0.0.1", metavar="HOST[:PORT]", help=f"Where to listen (default 127.0.0.1:{PORT})."
)
@click.option(
    "--name", "names", type=TEXT, multiple=True, metavar="HOST", help="The host name that people use for this relay (repeatable)."
)
@click.option(
    "--allow", type=FILE, metavar="FILE", help="Let only the keys in this file hold a name or a number (lines of TYPE KEY NAME)."
)
@click.option("--ws", type=TEXT, metavar="HOST:PORT", help="Also accept WebSocket connections here, such as from a web server.")
@click.option("--trusted-proxy", type=TEXT, metavar="ADDRESS,...", help=TRUSTED.help)
@click.option("--metrics", type=TEXT, metavar="HOST:PORT", help="Serve Prometheus metrics and /healthz over HTTP here.")
def relay(
    listen: str, names: tuple[str, ...], allow: Path | None, ws: str | None, trusted_proxy: str | None, metrics: str | None
) -> int:
    """Connect people who cannot reach each other directly.

    A relay forwards encrypted bytes. It sees addresses, times and sizes, stores none of them, and logs only totals.
    """
    address = parse_address(listen, listen=True)
    hosts = {parse_address(name).host for name in names} or {address.host, *LOCAL}
    if trusted_proxy and not ws:
        raise Usage("--trusted-proxy needs --ws, where web servers connect.")
    listen_at: list[tuple[Transport, Address]] = [(Tcp(), Address(address.host, PORT if address.port is None else address.port))]
    if ws:
        listen_at.append((Ws(trusted_proxy=trusted_proxy), listen_address("--ws", ws, 8080)))
    metrics_at = listen_address("--metrics", metrics, 9592) if metrics else None
    if not names and address.host in (EVERY_NETWORK, "0.0.0.0"):  # noqa: S104 - only compared
        tell("Without --name, servers on other machines cannot hold the name of a key here: give the host name that people use.")
    server = Relay(hosts, fingerprints(allow) if allow else None)
    wanted = server.limits.connections + SPARE
    if (files := allow_open_files(wanted)) < wanted:
        tell(f"The system lets a program open {files:,} files here; a full relay needs {wanted:,}. Raise it with `ulimit -n`.")
    try:
        with suppress(asyncio.CancelledError):  # told to end by the system
            serving = serve_relay(server, listen_at, metrics_at, allow)
            asyncio.run(serving) if is_debugging() else run_telling_faults(serving, tell)
    finally:
        done = server.figures
        tell(f"Conversations relayed: {done.paired:,} ({size_in_words(done.bytes)}). Refused: {done.refused.total():,}.")
    return int(Exit.OK)


def fingerprints(allow: Path) -> set[str]:
    """Those of the keys that may hold a name. Raises StoreError."""
    return {key.fingerprint for key in allowed(allow)}


def reread(server: Relay, allow: Path | None) -> None:
    """Use the list as it is now, or keep the old one where it cannot be read. Nobody who holds a name loses it."""
    try:
        if allow is None or is_stream(allow):
            raise StoreError("There is no --allow file to read again.")
        server.allowed = fingerprints(allow)
        tell(f"Keys that may hold a name here, by {allow}: {len(server.allowed):,}.")
    except StoreError as error:
        tell(f"{error.sentence} Nothing was changed.")


async def serve_relay(
    server: Relay, listen_at: Sequence[tuple[Transport, Address]], metrics_at: Address | None, allow: Path | None
) -> None:
    serving, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert serving
    with suppress(NotImplementedError, ValueError, RuntimeError):  # Windows, or embedded in another program
        loop.add_signal_handler(signal.SIGTERM, serving.cancel)
        if not os.isatty(0):  # a terminal that closes sends this signal, too
            loop.add_signal_handler(signal.SIGHUP, reread, server, allow)
    listeners = [await transport.listen(address.host, address.port or 0) for transport, address in listen_at]
    where = [listeners[0].address, *(f"ws://{listener.address}" for listener in listeners[1:])]
    tell(f"Relaying at {' and '.join(where)}. End it with Ctrl-C.")
    http = HttpServer(lambda request: prometheus.answer(request, [*measures(server), *prometheus.process()]))
    try:
        if metrics_at:
            tell(prometheus.where_served(*await http.listen("--metrics", metrics_at)))
        await server.serve(*listeners)
    finally:
        http.close()
