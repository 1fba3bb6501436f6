"""What `chat serve` tells its user: the line that the other side pastes, who may come in, and who has come."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from plytalk.api.choice import Choice
from plytalk.api.urls import key_named, url_of
from plytalk.cli.main import paint
from plytalk.cli.own_address import own_address
from plytalk.core.contracts.events import WAYS_COMMAND
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.optional import ServesPage
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.address import EVERY_NETWORK, join_address
from plytalk.core.io.standard_streams import tell
from plytalk.core.io.web_address import PORTS
from plytalk.core.stack.selection import Stack
from plytalk.trust.folders import user_file
from plytalk.trust.store_errors import StoreError

if TYPE_CHECKING:
    from plytalk.core.endpoints.listening import Door, WayIn

WILDCARDS = ("0.0.0.0", EVERY_NETWORK)  # noqa: S104 - only compared
ROWS, COLUMNS = 6, 80
"""What the first screen of a server has."""
MAY_HEAR = {
    (True, True): "anyone on this machine may come in, and read what guests hear.",
    (True, False): "anyone on this machine can read what guests hear.",
    (False, True): "anyone may come in, and others can read what guests hear.",
    (False, False): "others can read what guests hear.",
}
"""The warning about guests, by whether only this machine can reach the server and whether anyone may come in."""


def announce(
    choice: Choice, doors: "Sequence[Door]", guests: "Sequence[Door]" = (), beside: Sequence[str] = ()
) -> "Iterator[str | WayIn]":
    """What is said when the server listens at these doors, and for guests too: how others come in, and who may.

    The most useful way in comes first, and those follow that fit into the first screen beside what else is said there. The others
    are details for /invite.
    """
    stack = doors[0].stack
    asked = can_ask(stack)
    ways = sorted(ways_in(choice, doors, guests, asked), key=usefulness)
    others = [*about_the_way(choice, ways), *who_may_come(doors, guests, proxied=is_proxied(choice))]
    rows = ROWS - rows_of([*others, *beside])
    shown, details = parted(ways, rows)
    if details and asked:
        shown, details = parted([with_hint(ways[0], rows), *ways[1:]], rows)
    yield from shown
    yield from (way._replace(detail=True) for way in details)
    yield from others


def with_hint(way: "WayIn", rows: int) -> "WayIn":
    """A way in that also says how others are shown, if it then takes no more than this many rows."""
    for hint in (f" (/{WAYS_COMMAND} in the room shows others):", f" (others: /{WAYS_COMMAND}):"):
        hinted = way._replace(sentence=way.sentence.replace(":", hint, 1))
        if rows_of([hinted.sentence]) <= max(rows, rows_of([way.sentence])):
            return hinted
    return way


def parted(ways: "Sequence[WayIn]", rows: int) -> "tuple[list[WayIn], list[WayIn]]":
    """Those that fit into this many rows, the first in any case, and those that do not."""
    shown, details = [*ways[:1]], []
    rows -= rows_of(way.sentence for way in shown)
    for way in ways[1:]:
        if (taken := rows_of([way.sentence])) <= rows:
            shown.append(way)
            rows -= taken
        else:
            details.append(way)
    return shown, details


def rows_of(sentences: Iterable[str]) -> int:
    """How many rows of a first screen they take."""
    return sum(-(-len(sentence) // COLUMNS) for sentence in sentences)


def weakness(choice: Choice) -> str:
    """What an attacker can do to a weak stack, whatever chose it, as a warning; empty for nothing."""
    warning = choice.stack().warning()
    return f"Warning: {warning} See `chat explain`." if warning else ""


def warn(warning: str) -> None:
    """Say it on standard error."""
    if warning:
        tell(paint(warning, "33"))


def ways_in(choice: Choice, doors: "Sequence[Door]", guests: "Sequence[Door]", asked: bool) -> "Iterator[WayIn]":
    """What to open or to paste for each door, but for one where the other side is already; short where /invite can be `asked`."""
    from plytalk.core.endpoints.listening import WayIn

    for door in doors:
        stack, address = door
        is_page = isinstance(stack.transport, ServesPage)
        if isinstance(stack.transport, ServesPage):
            url = page(stack, stack.transport, address)
            yield WayIn(f"Open in a browser:  {url}", url, door)
        if not stack.transport.only_place and not (is_page and link_is_enough(choice, stack)):
            line = invitation(choice, stack, address)
            yield WayIn(f"The other side connects with:  {line}", line, door)
    for door in guests:
        where = reachable(door.address)
        if line := door.stack.transport.guest_line(host(where), port(where).removeprefix(":")):
            words = f"{line.partition('  (')[0]}  (its key: /{WAYS_COMMAND})" if asked else line
            yield WayIn(f"Guests connect with:  {words}", line, door)


def usefulness(way: "WayIn") -> int:
    """The place of a way in among others: first one from everywhere, then a page, other machines, this machine, and guests."""
    transport = way.door.stack.transport
    is_near = transport.names_place or is_here(way.door)
    of_kinds = transport.is_given_address, isinstance(transport, ServesPage), not (is_near or transport.guests), is_near
    return (*of_kinds, True).index(True)


def can_ask(stack: Stack) -> bool:
    """Whether the server's user can type a command about the details that its screen keeps."""
    return stack.ui.keeps_details and any(isinstance(feature, GroupFeature) for feature in stack.features)


def about_the_way(choice: Choice, ways: "Sequence[WayIn]") -> Iterator[str]:
    """What else is to be known about the first way in."""
    for door in (way.door for way in ways[:1]):
        if isinstance(door.stack.transport, ServesPage) and len(ways) == 1 and not is_proxied(choice):
            yield "On a terminal `chat connect` takes that address too, as it is."
        if zone := host(reachable(door.address)).strip("[]").partition("%")[2]:
            yield f"In place of {zone} the other side writes its own interface: `ip link` or `ipconfig` shows it."


def is_proxied(choice: Choice) -> bool:
    """Whether a web server in front leads others here."""
    return bool(choice.options.get("trusted_proxy"))


def who_may_come(doors: "Sequence[Door]", guests: "Sequence[Door]", proxied: bool) -> Iterator[str]:
    """Sentences about who can reach the server and may come in; `proxied` where a web server in front leads others to it."""
    if proxied and any(isinstance(stack.transport, ServesPage) for stack, _ in doors):
        yield "Through the web server in front it is https://ITS-NAME/, with the same end."
    alone = not proxied and all(map(is_here, (*doors, *guests)))
    open_ = open_to_all(doors[0].stack)
    if any(Property.SECRECY not in guest.stack.gives for guest in guests):
        yield f"Warning: {MAY_HEAR[alone, open_]}"
    elif alone and open_:
        yield "Anyone on this machine, and nobody else, may come in: see --host and --code."
    elif alone:
        yield "Only this machine can reach it: --host :: opens it to every network."
    elif open_:
        yield "Anyone who can reach it may come in: --allow, --psk-file or --code change that."


def is_here(door: "Door") -> bool:
    """Whether only this machine reaches a door."""
    return host(door.address) in ("127.0.0.1", "[::1]")


def open_to_all(stack: Stack) -> bool:
    """Whether this server could ask who comes, and does not."""
    return Role.INITIATOR in stack.handshake.shows and not stack.auths


def invitation(choice: Choice, stack: Stack, address: str) -> str:
    """The exact `chat connect` line for the other side."""
    named = choice.named
    names = stack.names
    words = ["chat", "connect", *place_words(choice, stack, address)]
    if named is None:
        words += [word for kind in ("framer", "handshake", "cipher", "messages") for word in (f"--{kind}", names[kind])]
    elif not named.is_default:
        words += ["--profile", named.name]
    words += agreed_words(choice, stack)
    pinned = key_named(address) or any(auth.replaces_peer for auth in stack.auths)
    if stack.handshake.identity and not pinned:
        words += ["--peer", stack.handshake.identity.fingerprint]
    return " ".join([*(shlex.quote(word) for word in words), *(auth.other_side for auth in stack.auths if auth.other_side)])


def agreed_words(choice: Choice, stack: Stack) -> Iterator[str]:
    """The options of the handshake that both sides must give alike, as far as they were given here."""
    for option in stack.handshake.options:
        value = choice.options.get(option.keyword)
        if option.agreed and value is not None:
            yield from [f"--{option.name}", *([] if option.type is bool else [str(value)])]


def place_words(choice: Choice, stack: Stack, address: str) -> list[str]:
    """How the other side writes where this stack listens: the address or its URL, and the transport where neither tells it."""
    transport, where = stack.names["transport"], reachable(address)
    if isinstance(stack.transport, ServesPage):
        return [stack.transport.urls_at(where)[1]]
    if transport in PORTS:
        return [url_of(transport, where)]
    tells = stack.transport.is_given_address or transport == choice.registry.default_profile.otherwise.get("transport")
    return [where] if tells else [where, "--transport", transport]


def page(stack: Stack, transport: ServesPage, address: str) -> str:
    """The URL of the page, with the key that it is to expect: what follows # never leaves the browser."""
    url, _ = transport.urls_at(reachable(address))
    return f"{url}#{stack.handshake.identity.fingerprint}" if stack.handshake.identity else url


def link_is_enough(choice: Choice, stack: Stack) -> bool:
    """Whether `chat connect` needs no more than the link to the page, which names the key."""
    plain = choice.named is not None and choice.named.is_default and not choice.options.get("suite")
    return plain and not stack.auths


def reachable(address: str) -> str:
    """The address, with one of this machine's own in place of a wildcard."""
    if (wildcard := host(address).strip("[]")) not in WILDCARDS:
        return address
    return join_address(own_address(wildcard), int(port(address).removeprefix(":")))


def newcomer(session: DirectChat) -> Iterator[str]:
    """Whose key the other side showed, and whether it is known: in a row of 80 where the address is an IPv4 one."""
    if session.identity is None or not session.identity.is_openssh:
        return
    from plytalk.trust.contacts import Contacts

    try:
        names = Contacts(user_file("contacts")).named(PublicKey(session.identity.key))
    except StoreError as error:
        names = []
        yield error.sentence
    if session.identity == session.stack.handshake.identity:
        names.append("yourself")
    key = session.identity.fingerprint
    if names:
        yield f"{session.address} shows the key {key}, known as {', '.join(names)}."
    else:
        yield f"Unknown key {key} ({host(session.address) or session.address})"


def host(address: str) -> str:
    return address.rpartition(":")[0]


def port(address: str) -> str:
    return ":" + address.rpartition(":")[2]
