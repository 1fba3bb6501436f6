"""`chat keys`: your own key, and the keys of others. Data goes to standard output, sentences to standard error."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from shlex import quote
from typing import Any

import click

from plytalk.api.urls import address_in, is_url, read_url
from plytalk.cli.hidden_input import secret
from plytalk.cli.parameters import FILE, TEXT
from plytalk.core.contracts.errors import ChangedPeer, Exit, Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import clean, shorten
from plytalk.core.io.address import LOCAL, parse_address
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.registry import Registry
from plytalk.plugins.transports.relay import at_relay
from plytalk.trust import identity as identities
from plytalk.trust.contacts import Contacts
from plytalk.trust.files import plain_text, read_public, write_new
from plytalk.trust.folders import user_file
from plytalk.trust.host_keys import HostKeyLine, KnownHostsFile
from plytalk.trust.store_errors import StoreError

PSK_BYTES = 32
EXAMPLES = """\b
Examples:
  chat keys show                                  your public key and its fingerprint
  chat keys export > alice.pub                    for the `allow` file of a server
  chat keys trust chat.example.org server.pub     know a server's key before the first connection
  chat keys forget chat.example.org               be asked again at the next connection
"""
NEW_EXAMPLES = """\b
Examples:
  chat keys new                             in the usual place, if there is none yet
  chat keys new --passphrase                encrypted with a passphrase
  chat keys new --identity ~/work.key       another key, for --identity
"""
SHOW_EXAMPLES = """\b
Examples:
  chat keys show                            your own
  chat keys show --identity ~/work.key      another one
"""
EXPORT_EXAMPLES = """\b
Examples:
  chat keys export > alice.pub              for the `allow` file of a server
"""
LIST_EXAMPLES = """\b
Examples:
  chat keys list                            servers, and contacts saved with --save-as
  chat keys list --json                     for programs
"""
TRUST_EXAMPLES = """\b
Examples:
  chat keys trust chat.example.org server.pub     from the file that `chat keys export` made there
  chat keys trust 192.0.2.7:9000 < server.pub     from standard input
"""
FORGET_EXAMPLES = """\b
Examples:
  chat keys forget chat.example.org         a server
  chat keys forget @alice                   a contact
"""
PSK_EXAMPLES = """\b
Examples:
  chat keys psk shared.key                  make it, and copy it to the other side
  chat serve --psk-file shared.key          then use it on both sides
"""


def _file(name: str, help: str, default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A file option of the layers, by the same name here."""
    return click.option(f"--{name}", type=FILE, metavar="FILE", help=f"{help} (default: {default}).")


identity_option = _file("identity", "The file of your long-lived key", "`identity` among your plytalk files")
known_hosts_option = _file("known-hosts", "The file of remembered keys", "`known_hosts` among your plytalk files")


@click.group(epilog=EXAMPLES)
def keys() -> None:
    """Create, show and exchange keys, and decide which ones to trust."""


@keys.command(epilog=NEW_EXAMPLES)
@identity_option
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase to encrypt the key with.")
def new(identity: Path | None, passphrase: bool) -> None:
    """Create your long-lived key."""
    file = identity or user_file("identity")
    if os.path.lexists(file):
        raise Usage(f"{file} exists already.", "Move it away first, or name another file with --identity.")
    made = identities.create(file, _new_passphrase() if passphrase else "")
    _tell(f"Created a new identity ({made.fingerprint}) in {file}.")
    print(made.public_line())


@keys.command(epilog=SHOW_EXAMPLES)
@identity_option
def show(identity: Path | None) -> None:
    """Show your public key and its fingerprint."""
    own = _own(identity)
    print(own.public_line())
    print(own.fingerprint)
    _tell(f"Your key is in {identity or user_file('identity')}.")


@keys.command(epilog=EXPORT_EXAMPLES)
@identity_option
def export(identity: Path | None) -> None:
    """Print your public key in the format of a server's `allow` file."""
    print(_own(identity).public_line())


@keys.command("list", epilog=LIST_EXAMPLES)
@known_hosts_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(known_hosts: Path | None, as_json: bool) -> None:
    """List the servers and people whose keys you know."""
    hosts = KnownHostsFile(known_hosts or user_file("known_hosts")).entries()
    contacts = Contacts(user_file("contacts")).all()
    if as_json:
        people = [{"name": one.name, "address": one.address, **_shown(one.key)} for one in contacts]
        print(json.dumps({"hosts": [_host(entry) for entry in hosts], "contacts": people}, indent=2))
        return
    table = [(f"@{one.name}", one.key.fingerprint, one.key.type, one.address or "(no address)") for one in contacts]
    table += [(_name(entry), entry.key.fingerprint, entry.key.type, f"line {entry.line} {entry.marker}") for entry in hosts]
    for row in table:
        print(clean(f"{row[0]:<32} {row[1]} {row[2]} {row[3]}".rstrip()))
    if not table:
        _tell("No other keys are known yet: the first `chat connect` stores one.")


@keys.command(epilog=TRUST_EXAMPLES)
@click.argument("address", type=TEXT, metavar="HOST[:PORT]|PATH|NAME@RELAY")
@click.argument("key", type=TEXT, nargs=-1, metavar="[KEY|FILE]")
@known_hosts_option
def trust(address: str, key: tuple[str, ...], known_hosts: Path | None) -> None:
    """Remember a server's key before the first connection.

    The key is the line that `chat keys export` prints on the server: as an argument, in a FILE, or on standard input.
    """
    public = _public_key(" ".join(key))
    store = KnownHostsFile(known_hosts or user_file("known_hosts"))
    try:
        added = store.add(*remembered_place(address), public)
    except ChangedPeer as error:
        raise ChangedPeer(str(error), f"If the new key is right: chat keys forget {quote(address)}") from None
    _tell(f"{'Remembered' if added else 'Already knew'} the key {public.fingerprint} of {shorten(address)} in {store.path}.")


@keys.command(epilog=FORGET_EXAMPLES)
@click.argument("who", type=TEXT, metavar="HOST[:PORT]|PATH|NAME@RELAY|@NAME")
@known_hosts_option
def forget(who: str, known_hosts: Path | None) -> int:
    """Forget a server's key, or a saved contact."""
    if who.startswith("@"):
        gone = Contacts(user_file("contacts")).forget(who)
        _tell(f"Forgot @{gone.name} and the key {gone.key.fingerprint}.")
        return Exit.OK
    store = KnownHostsFile(known_hosts or user_file("known_hosts"))
    lines = store.forget(*remembered_place(who))
    for entry in lines:
        _tell(f"Forgot the key {entry.key.fingerprint} of {_name(entry)}.")
    if not lines:
        _tell(f"{store.path} has no key of {shorten(who)}. `chat keys list` shows those that it has.")
    return Exit.OK if lines else Exit.FAILED


@keys.command(epilog=PSK_EXAMPLES)
@click.argument("file", type=FILE)
def psk(file: Path) -> None:
    """Create a file with a pre-shared key, for --psk-file on both sides."""
    try:
        write_new(file, f"{token_hex(PSK_BYTES)}\n".encode("ascii"))
    except StoreError as error:
        raise Usage(str(error), error.hint) from None
    _tell(f"Created a pre-shared key in {file}. Copy it to the other side over a secure channel; then both sides use --psk-file.")


def remembered_place(text: str) -> tuple[str, int | None]:
    """The host and port of a server as `chat connect` takes it; a place that has no port as it is. Raises Usage."""
    if "/" in text and "://" not in text:
        return os.path.abspath(text), None
    if is_url(text) and read_url(text).transport == "relay":
        name, _, relay = text.partition("@")
        return f"{name}@{at_relay(relay)}", None
    address = parse_address(address_in(text))
    if address.port is None and address.host.endswith(LOCAL):
        return address.host, None
    return address.host, address.port or Registry().default_profile.port


def _own(file: Path | None) -> identities.OwnIdentity:
    return identities.load(file or user_file("identity"), lambda path: secret(f"Passphrase of {path}: "))


def _new_passphrase() -> str:
    chosen = secret("New passphrase: ")
    if not chosen:
        raise Usage("The passphrase is empty.", "Leave out --passphrase for a key without one.")
    if secret("Once more: ") != chosen:
        raise Usage("The two passphrases differ.", "Nothing was created: try again.")
    return chosen


def _public_key(given: str) -> PublicKey:
    """The first line that says something: as given, in a file of that name, or from standard input. Raises Usage."""
    text = given
    if given in ("", "-"):
        if sys.stdin.isatty():
            tell("Paste the server's public key, and end with Ctrl-D on a line by itself.")
        text = plain_text(sys.stdin.buffer.read(1 << 16), "Standard input").decode(errors="replace")
    elif " " not in given:
        content = read_public(Path(given))
        if content is None:
            raise Usage(f"There is no file {given}.", "Give a public key (TYPE BASE64) or the name of a file with one.")
        text = content.decode(errors="replace")
    line = next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    try:
        return PublicKey.parse(" ".join(line.split()[:2]))
    except ValueError as error:
        raise Usage(f"This is not a public key: {error}.", "It is what `chat keys export` prints on the other side.") from None


def _name(entry: HostKeyLine) -> str:
    return "(hidden by a hash)" if entry.hashed else entry.hosts


def _host(entry: HostKeyLine) -> dict[str, Any]:
    return {
        "host": None if entry.hashed else clean(entry.hosts),
        **_shown(entry.key),
        "line": entry.line,
        "marker": entry.marker or None,
    }


def _shown(key: PublicKey) -> dict[str, str]:
    return {"type": key.type, "fingerprint": key.fingerprint}


def _tell(sentence: str) -> None:
    tell(clean(sentence))
