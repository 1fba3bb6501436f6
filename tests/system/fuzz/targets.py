"""One function for each thing that reads untrusted input: `target(data)`, where any bytes at all may come.

A target lets through nothing: what the code under it promises to raise is caught in the line that may raise it, so whatever
leaves a target is a crash. Some also check what must hold of the result, whatever the input was.
"""

import asyncio
import io
import json
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address

import msgspec

from plytalk.cli import config
from plytalk.cli.inspect import lines
from plytalk.core.contracts.errors import BadFrame, HandshakeFailed, LocalError, RemoteError, Usage
from plytalk.core.contracts.events import Event
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Frame
from plytalk.core.contracts.sanitise import MARKS, clean
from plytalk.core.contracts.spans import Passed, describe
from plytalk.core.io.address import parse_address
from plytalk.lab.inspect.capture import capture
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.page import page
from plytalk.lab.inspect.trace_file import parse
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.files.exchange import Exchange
from plytalk.plugins.files.file_items import MAX_CREDIT, FileKind, understand
from plytalk.plugins.files.file_items import parse as parse_item
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.manifest import FileOffer, check_offer, entries_of
from plytalk.plugins.files.transfer_errors import BadTransfer
from plytalk.plugins.framers.length import Length
from plytalk.plugins.framers.raw import Raw
from plytalk.plugins.framers.typed import Typed
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes import rsa
from plytalk.plugins.messages.records import BUCKETS, CAPACITY, Records
from plytalk.plugins.messages.text import Text
from plytalk.plugins.messages.trimmed import Trimmed
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.suites import SETS
from plytalk.plugins.rooms.bans import Ban
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.requests import line_of
from plytalk.plugins.rooms.room import Speaker
from plytalk.plugins.rooms.room_events import RoomEvent
from plytalk.plugins.rooms.ui_events import plain_line
from plytalk.plugins.uis.jsonl import Jsonl, as_line
from plytalk.trust.authorized_keys import allowed
from plytalk.trust.contacts import Contacts
from plytalk.trust.host_keys import KnownHostsFile, host_name
from plytalk.trust.store_errors import StoreError
from tests.system.fuzz.parts import Input, file, identity, pieces, rsa_key, static

Probe = Callable[[bytes], None]
TARGETS: dict[str, Probe] = {}


def target(name: str) -> Callable[[Probe], Probe]:
    def keep(function: Probe) -> Probe:
        TARGETS[name] = function
        return function

    return keep


# -- framers: the same frames, however the network cuts the bytes ------------------------------------------------------------


def frames(framer: Framer, arriving: list[bytes]) -> tuple[list[Frame], bool]:
    """The frames, and whether there was an error after them."""
    found: list[Frame] = []
    for piece in arriving:
        framer.feed(piece)
        try:
            found.extend(framer.frames())
        except RemoteError:
            return found, True
        assert framer.unfinished <= sum(map(len, arriving))
    return found, False


def cut_and_whole(framer: type[Framer], data: bytes) -> None:
    source = Input(data)
    cuts = source.take(source.take(1)[0] % 8)
    cut, whole = frames(framer(), pieces(source.rest, cuts)), frames(framer(), [source.rest])
    assert cut == whole
    again = framer()
    again.feed(b"".join(again.encode(kind or b"M", body) for kind, body in whole[0]))
    assert list(again.frames()) == whole[0]


@target("framer-raw")
def framer_raw(data: bytes) -> None:
    source = Input(data)
    cuts = source.take(source.take(1)[0] % 8)
    found, failed = frames(Raw(), pieces(source.rest, cuts))
    assert not failed
    assert b"".join(body for _, body in found) == source.rest


@target("framer-length")
def framer_length(data: bytes) -> None:
    cut_and_whole(Length, data)


@target("framer-typed")
def framer_typed(data: bytes) -> None:
    cut_and_whole(Typed, data)


@target("framer-u16")
def framer_u16(data: bytes) -> None:
    cut_and_whole(U16, data)


# -- rooms -------------------------------------------------------------------------------------------------------------------


@target("room-event")
def room_event(data: bytes) -> None:
    for body in (data, data[:18] + b"\x20" + data[18:], data[:18] + b"\0" + data[18:]):  # with a key, and without
        with suppress(BadFrame):
            event = RoomEvent.decode(body)
            assert len(event.key) in (0, 32)
            if len(event.name.encode()) < 256:  # a name that was not UTF-8 may be longer than an event can have
                assert RoomEvent.decode(event.encode()[:18] + body[18:]) == event
            assert clean(plain_line(event, "me")).isprintable()


@target("moderation")
def moderation_file(data: bytes) -> None:
    with suppress(StoreError):
        moderation = Moderation(file("moderation", data))
        for key, ban in moderation.bans().items():
            assert moderation.is_banned(key)
            assert str(Ban.now(ban.name, ban.reason)).isprintable()


# -- handshakes --------------------------------------------------------------------------------------------------------------


@target("preamble-offer")
def preamble_offer(data: bytes) -> None:
    for raw in (data, preamble.MAGIC + data):
        with suppress(HandshakeFailed):
            assert preamble.Offer.decode(raw).encode() == raw


@target("preamble-answer")
def preamble_answer(data: bytes) -> None:
    with suppress(HandshakeFailed):
        answer = preamble.Answer.decode(data)
        assert answer.encode() == data
        assert not answer.chosen or answer.chosen in answer.known


NOW = 1_800_000_000
"""The clock of both ends, in seconds since 1970."""


def two_ends(source: Input) -> tuple[HandshakeState, HandshakeState]:
    suite = SETS["any"][source.take(1)[0] % len(SETS["any"])]
    client = HandshakeState(suite, initiator=True, prologue=b"fuzz", s=static())
    return client, HandshakeState(suite, initiator=False, prologue=b"fuzz", s=static())


def read(reader: HandshakeState, writer: HandshakeState, source: Input, words: bytes) -> None:
    """The reader gets the bytes alone, or written into an honest message, or as the words of one, which decrypt."""
    way = source.take(1)[0] % 3
    honest = writer.write_message(source.rest if way == 2 else words)
    message = (lambda: source.rest, lambda: source.patched(honest), lambda: honest)[way]()
    with suppress(HandshakeFailed):
        said = reader.read_message(message)
        if reader.rs is not None:
            payload.decode(said, reader.rs, NOW)
        if reader.complete:
            reader.split()
        else:
            reader.write_message(words)
        return
    reader.forget()


@target("message-a")
def message_a(data: bytes) -> None:
    source = Input(data)
    client, server = two_ends(source)
    read(server, client, source, b"")


@target("message-b")
def message_b(data: bytes) -> None:
    source = Input(data)
    client, server = two_ends(source)
    server.read_message(client.write_message())
    read(client, server, source, payload.encode(identity(), static().public, NOW))


@target("message-c")
def message_c(data: bytes) -> None:
    source = Input(data)
    client, server = two_ends(source)
    words = payload.encode(identity(), static().public, NOW)
    server.read_message(client.write_message())
    client.read_message(server.write_message(words))
    read(server, client, source, words)


@target("identity-payload")
def identity_payload(data: bytes) -> None:
    source = Input(data)
    way = source.take(1)[0]
    foreign = bool(way & 4)
    honest = payload.encode(identity(), static().public, NOW)
    match way % 4:
        case 0:
            raw = source.rest
        case 1:
            raw = source.patched(honest)
        case 2:
            raw = payload.HEAD + source.take(32) + payload.MIDDLE + source.rest
        case _:
            raw = honest + source.rest
    with suppress(HandshakeFailed):
        assert payload.decode(raw, static().public, NOW, foreign=foreign).key == identity().public
        assert raw == honest or foreign


@target("rsa-public-key")
def rsa_public_key(data: bytes) -> None:
    source = Input(data)
    way = source.take(1)[0] % 2
    text = source.patched(rsa.pem(rsa_key().public_key())) if way else source.rest
    with suppress(HandshakeFailed):
        public = rsa.read_public_key(text)
        rsa.der(public)
        with suppress(ValueError):  # as the handshake itself does
            public.encrypt(bytes(32), rsa.OAEP)


@target("rsa-session-key")
def rsa_session_key(data: bytes) -> None:
    source = Input(data)
    way = source.take(1)[0] % 3
    public = rsa_key().public_key()
    if way == 0:
        sealed = source.rest
    else:  # 190 bytes are the most that 2048 bits seal
        sealed = public.encrypt(source.rest[:190], rsa.OAEP) if way == 1 else source.patched(public.encrypt(bytes(32), rsa.OAEP))
    with suppress(HandshakeFailed):
        assert len(rsa.open_session_key(rsa_key(), sealed)) in rsa.ACCEPTED_KEY_BYTES


# -- messages ----------------------------------------------------------------------------------------------------------------


@target("records")
def records(data: bytes) -> None:
    """Records one after another: as they are, or brought to a length that a record has."""
    source = Input(data)
    messages = Records(True)
    while source.rest:
        size = source.number(CAPACITY + 1)
        content = source.rest[:size]
        source.rest = source.rest[size:]
        record = content.ljust(next(bucket for bucket in BUCKETS if bucket >= len(content)), b"\0") if size % 4 else content
        assert all(span.name for span in describe(messages, Passed(record)))
        try:
            items = messages.unpack(record)
        except RemoteError:
            return
        assert len(record) in BUCKETS
        said: list[Item] = [item for item in items if isinstance(item, str)]
        if said:
            other = Records(True)
            assert [item for packed in Records(True).pack(said) for item in other.unpack(packed)] == said
        if not size:
            return


@target("text")
def text(data: bytes) -> None:
    """The messages of the existing chats, with and without boundaries."""
    source = Input(data)
    cuts = source.take(source.take(1)[0] % 8)
    for messages in (Text(True), Text(False), Trimmed(True), Trimmed(False)):
        for piece in pieces(source.rest, cuts):
            with suppress(RemoteError):
                list(messages.unpack(piece))


@target("sanitiser")
def sanitiser(data: bytes) -> None:
    for said in (data.decode(errors="replace"), data.decode("utf-16-le", "surrogatepass" if len(data) % 2 == 0 else "replace")):
        shown = clean(said)
        assert clean(shown) == shown
        marks = 0
        for character in shown:
            assert character.isprintable() or character in "\u200c\u200d" or unicodedata.category(character) == "Zs"
            marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else marks if character in "\u200c\u200d" else 0
            assert marks <= MARKS
        shown.encode()


@target("file-items")
def file_items(data: bytes) -> None:
    """Items about files as three members of a room send them, and the exchange between them."""
    asyncio.run(exchanged(data))


async def exchanged(data: bytes) -> None:
    source, records = Input(data), Records(True)
    room = FileRoom()
    members = [FileMember(name, room) for name in ("ann", "bob", "eve")]
    exchange = Exchange(room.find, records.pack)
    while source.rest:
        number, size = source.take(2).ljust(2, b"\0")
        member, body = members[number % 3], source.take(size)
        list(describe(Rooms(), Passed(body, bytes([FILE]))))
        try:
            exchange.hear(member, body)
        except RemoteError:
            exchange.left(member, cut=bool(number & 4))
        for taker in (taker for party in exchange._parties.values() for taker in party.takers.values()):
            assert taker.outstanding <= MAX_CREDIT
        await asyncio.sleep(0)
    for member in members:
        exchange.left(member, cut=False)
    assert not exchange._parties
    assert not exchange._offers
    with suppress(BadTransfer):
        list(entries_of(data))
    with suppress(msgspec.MsgspecError, RecursionError, BadTransfer):
        check_offer(msgspec.json.decode(data, type=FileOffer))


class FileRoom:
    """A room of members that are here, in this process."""

    def __init__(self) -> None:
        self.subscribers: list[FileMember] = []
        self.event_members: list[FileMember] = []

    def find(self, name: str) -> "FileMember":
        found = next((member for member in self.subscribers if member.name == name), None)
        if found is None:
            raise Usage("Nobody.")
        return found

    def __len__(self) -> int:
        return len(self.subscribers)

    def __bool__(self) -> bool:
        return True


class FileMember(Speaker):
    """A member that takes everything it is sent."""

    hears_events, muted = True, False

    def __init__(self, name: str, room: FileRoom) -> None:
        self.id, self.key, self.marks, self.room = 0, None, 0, room  # type: ignore[assignment]
        self.called(name)
        room.subscribers.append(self)

    def hear_file(self, body: bytes) -> None:
        """What the exchange sends is what the other side can read."""
        kind, _, payload = parse_item(body)
        assert kind != FileKind.SAY or understand(bytes(payload)) is not None


# -- files and lines of this side's user -------------------------------------------------------------------------------------


@target("known-hosts")
def known_hosts(data: bytes) -> None:
    with suppress(StoreError):
        hosts = KnownHostsFile(file("known_hosts", data))
        for entry in hosts.entries():
            entry.concerns(host_name("a.example", 8000))
            entry.concerns(host_name("a" * 255, 22))
            hosts.lookup("a.example", 22, entry.key)


@target("contacts")
def contacts(data: bytes) -> None:
    with suppress(StoreError):
        for contact in Contacts(file("contacts", data)).all():
            assert "\n" not in contact.line


@target("allow")
def allow(data: bytes) -> None:
    with suppress(StoreError):
        for name in allowed(file("allow", data)).values():
            assert name.isprintable()


@target("config")
def configuration(data: bytes) -> None:
    with suppress(Usage):
        assert set(config.parse(data, "config.toml")) <= set(config.KEYS)


class Obeyed:
    """What a session does with a line from jsonl: it packs the words."""

    def say(self, text: str) -> None:
        for messages in (Records(True), Text(True), Trimmed(True)):
            prepared = messages.prepare(text)
            assert prepared is None or all(isinstance(packed, bytes) for packed in messages.pack([prepared]))

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        self.say(line_of(name, args))

    def exit(self) -> None: ...


@target("jsonl")
def jsonl(data: bytes) -> None:
    class DiscardingJsonl(Jsonl):
        """Shows its answers to nobody."""

        def show(self, event: Event) -> None:
            assert as_line(event).isascii()

    ui, session = DiscardingJsonl(), Obeyed()
    for line in data.split(b"\n"):
        ui._obey(session, line.decode(errors="replace"))  # type: ignore[arg-type]


@target("trace")
def trace(data: bytes) -> None:
    """All that `chat inspect` does with a trace."""
    head = b'{"plytalk_trace": 1}\n'
    for raw in (data, head + data):
        with suppress(Usage):
            events = list(parse(io.BytesIO(raw)))
            deck = inspect_frames(events)
            json.dumps([card.as_json() for card in deck])
            page(deck, "fuzz")
            capture(events)
            for card in deck:
                for line in lines(card):
                    assert line.isascii() or clean(line) == line


@target("address")
def address(data: bytes) -> None:
    with suppress(Usage):
        read = parse_address(data.decode("utf-8", "surrogateescape"))
        host, port = read.host, read.port
        assert host
        assert port is None or 0 < port < 65536
        with suppress(LocalError):
            host_name(host, port or 22)
        with suppress(ValueError):
            ip_address(host)
