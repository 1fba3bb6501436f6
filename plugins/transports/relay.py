"""A relay that both sides can reach, where neither can reach the other (docs/protocol.md, plyrelay/1).

A server holds a name at the relay: that of its key, or a number. HOST is RELAY to listen, NAME@RELAY to connect. RELAY is
HOST[:PORT] over TCP, or ws://HOST[:PORT][/PATH] or wss://... for networks that let only the web through.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.address import Address, parse_address
from plytalk.core.io.web_address import WebAddress, is_web_address, read_web_address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.relay import relay_frames as wire
from plytalk.plugins.relay.relay_listener import RelayListener
from plytalk.plugins.relay.relay_stream import RelayStream, through_relay
from plytalk.plugins.sockets.dialling import DiallingTransport, proxy_option
from plytalk.plugins.sockets.tls_stream import TlsFiles, trust_options
from plytalk.trust import identity as identities
from plytalk.trust.folders import user_file

PORT = 7592
OPEN_SECONDS = 15


class RelayPlace(NamedTuple):
    """Where a relay is, with its port; `web` where it is reached by WebSocket."""

    address: Address
    web: WebAddress | None = None

    def __str__(self) -> str:
        return str(self.web or self.address)

    @property
    def has_tls(self) -> bool:
        return self.web is not None and self.web.scheme == "wss"


def at_relay(text: str) -> RelayPlace:
    """Read where a relay is. Raises Usage."""
    if is_web_address(text):
        web = read_web_address(text)
        return RelayPlace(web.address, web)
    address = parse_address(text)
    return RelayPlace(Address(address.host, address.port or PORT))


class RelayTransport(DiallingTransport):
    """Through a relay, which sees addresses, times and sizes, but no content."""

    name = "relay"
    names_place = True
    is_given_address = True
    caution = (
        "the relay sees who is connected when, and how much is said; it can cut, delay, or hand a caller to another server, "
        "which --peer and a code refuse. It can bring any caller to a server, which --allow and a code refuse."
    )
    options = (
        Option("relay-number", "Hold a number at the relay, instead of the name of your key.", bool, False, role=Role.RESPONDER),
        Option("relay-key", "The key whose name to hold (default: that of `chat keys show`), or to prove for a number.", Path,
               metavar="FILE", role=Role.RESPONDER),
        *trust_options(None),
        proxy_option(None),
    )  # fmt: skip

    def __init__(
        self,
        relay_number: bool = False,
        relay_key: Path | None = None,
        tls_ca: Path | None = None,
        tls_name: str | None = None,
        proxy: str | None = None,
    ) -> None:
        super().__init__(proxy)
        self._files = TlsFiles(tls_ca=tls_ca, tls_name=tls_name)
        self._by_number, self._file = relay_number, relay_key
        self._identity: identities.OwnIdentity | None = None

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        await super().ready(role, secret)
        if role is Role.INITIATOR or (self._by_number and not self._file):
            return ()
        file = self._file or user_file("identity")
        self._identity, new = identities.load_or_create(file, lambda path: secret(f"Passphrase of {path}: "))
        return identities.made_known(self._identity, new)

    @classmethod
    def attacked_as(cls) -> Sequence[str]:
        return "demo02", "plytalk1", "plytalk1 --allow FILE"

    def through(self) -> Mapping[Role, tuple[Stream, Stream]]:
        return through_relay()

    async def listen(self, host: str, port: int) -> Listener:
        relay = at_relay(host)
        listener = RelayListener(partial(self._at, relay), str(relay), relay.address.host, self._identity, self._by_number)
        await listener.start()
        return listener

    async def connect(self, host: str, port: int) -> Stream:
        name, at, rest = host.rpartition("@")
        if not at or not name or len(name) > wire.MAX_NAME or not name.isascii():
            raise Usage(f"{host!r} is not NAME@RELAY.", "Write what the server shows, such as 412@relay.example.org.")
        relay = at_relay(rest)
        below = await self._at(relay)
        return await opened_client(RelayStream(below, wire.first(wire.JOIN, name.encode()), f"{name}@{relay}"), OPEN_SECONDS)

    def check_given(self, place: str, given: Collection[str]) -> None:
        if {"tls_ca", "tls_name"} & {*given} and not (relay := at_relay(place.rpartition("@")[2])).has_tls:
            raise Usage(
                f"The relay {relay} is reached without TLS; --tls-ca and --tls-name are for wss:// relays.",
                "Leave them out, or name a relay by wss://.",
            )

    async def _at(self, relay: RelayPlace) -> Stream:
        """A connection to a relay. Raises CannotConnect."""
        host = relay.address.host
        try:
            below = await self.reached(host, relay.address.port or PORT)
        except CannotConnect as error:
            hint = error.hint if self._proxy else "Check its address, and that it runs."
            raise CannotConnect(f"The relay {relay} cannot be reached. {error}", hint) from None
        if relay.web is None:
            return below
        from plytalk.plugins.sockets import web_options

        secured = self._files.secured(below, host) if relay.has_tls else below
        return await web_options.opened(secured, str(relay))


@hookimpl
def layers() -> list[type[RelayTransport]]:
    return [RelayTransport]
