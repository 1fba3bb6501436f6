"""`chat find`: the servers that are announced on the local network."""

import asyncio
import json
import shlex
from dataclasses import dataclass
from typing import Any

import click

from plytalk.api.urls import url_of
from plytalk.cli.parameters import TEXT, SecondsType
from plytalk.core.contracts.errors import Exit
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.address import join_address
from plytalk.core.io.standard_streams import tell
from plytalk.core.io.web_address import PORTS
from plytalk.plugins.lan.lan_interface import AUTO, choose_interface
from plytalk.plugins.lan.lan_search import FoundServer, search
from plytalk.plugins.lan.multicast_dns import mdns
from plytalk.plugins.lan.service_record import TRANSPORTS
from plytalk.trust.contacts import Contact, Contacts
from plytalk.trust.folders import user_file
from plytalk.trust.host_keys import HostKeyLine, KnownHostsFile, host_name

EXAMPLES = """\b
Examples:
  chat find                      servers on the network of this machine
  chat find --lan eth0           on the network of this interface
  chat find --seconds 5 --json   look longer, for a program
  chat connect kitchen.local     talk to one of them
"""
MOST_SHOWN = 100
FOUND_IS_NOT_TRUSTED = "Names and keys are what somebody on this network announces: compare the key with the owner of the server."


@click.command(epilog=EXAMPLES)
@click.option(
    "--lan", type=TEXT, default=AUTO, metavar="INTERFACE", help="Look on this network interface (default: the usual one)."
)
@click.option("--seconds", type=SecondsType(0.1, 60), default=2.0, metavar="SECONDS", help="How long to look (default 2).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def find(lan: str, seconds: float, as_json: bool) -> int:
    """List the servers that are announced on the local network.

    Being announced proves nothing: the first connection asks you to compare the key, as everywhere.
    """
    mdns()
    interface = choose_interface(lan)
    known = KnownKeys(Contacts(user_file("contacts")).all(), KnownHostsFile(user_file("known_hosts")).entries())
    result = asyncio.run(search(interface, seconds))
    found = result.servers[:MOST_SHOWN]
    left_out = len(result.servers) - len(found) + result.ignored
    if as_json:
        servers = [_described(one, known) for one in found]
        print(json.dumps({"interface": interface.name, "servers": servers, "left_out": left_out}, indent=2))
        return Exit.OK
    for server in found:
        print("\n".join(_rows(_described(server, known))))
    if left_out:
        tell(f"{left_out} more answers are left out: too many, malformed, or not of this network.")
    tell(FOUND_IS_NOT_TRUSTED if found else f"No server is announced on {interface.name}. `chat serve --lan` announces one.")
    return Exit.OK if found else Exit.FAILED


@dataclass(frozen=True)
class KnownKeys:
    """The keys that this user knows, of people and of servers."""

    contacts: list[Contact]
    hosts: list[HostKeyLine]

    def names_of(self, fingerprint: str | None) -> list[str]:
        """Under which names a key is kept."""
        people = [f"@{one.name}" for one in self.contacts if one.key.fingerprint == fingerprint]
        lines = [one for one in self.hosts if one.key.fingerprint == fingerprint and not one.marker]
        return people + [clean(one.hosts) if not one.hashed else f"line {one.line} of known_hosts" for one in lines]

    def differs(self, host: str | None, fingerprint: str | None) -> bool:
        """Whether another key is remembered for a host than the one that is announced."""
        if host is None or fingerprint is None:
            return False
        name = host_name(host, None)
        keys = {one.key.fingerprint for one in self.hosts if not one.marker and one.concerns(name)}
        return bool(keys) and fingerprint not in keys


def _described(server: FoundServer, known: KnownKeys) -> dict[str, Any]:
    key = server.text.fingerprint
    return {
        "name": server.name,
        "addresses": [join_address(one, server.port) for one in server.addresses],
        "transport": server.text.transport,
        "key": key,
        "known_as": known.names_of(key),
        "other_key_is_known": known.differs(server.local_name, key),
        "connect": shlex.join(words) if (words := _connect(server)) else None,
    }


def _connect(server: FoundServer) -> list[str]:
    """The command that connects to a server; empty where the network does not say enough, or more than it may decide."""
    transport = server.text.transport
    if not server.text.is_default or transport is None:
        return []
    where = join_address(server.addresses[0], server.port)
    if transport in PORTS:
        return ["chat", "connect", url_of(transport, where)]
    if transport != TRANSPORTS[0]:
        return ["chat", "connect", where, "--transport", transport]
    return ["chat", "connect", server.local_name or where]


def _rows(one: dict[str, Any]) -> list[str]:
    rows = [f"{one['name']}  {', '.join(one['addresses'])}"]
    if one["key"] is None:
        rows.append("    no key is announced")
    else:
        rows.append(f"    {one['key']}  {', '.join(one['known_as']) or 'not known'}")
    if one["other_key_is_known"]:
        rows.append("    Another key is remembered for this name: `chat connect` will refuse this one.")
    return [*rows, f"    {one['connect'] or 'another stack: ask for the line that `chat serve` shows'}"]
