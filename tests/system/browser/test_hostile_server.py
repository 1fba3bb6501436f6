"""A server that says everything it should not, behind an honest handshake: the page shows text, and nothing else happens."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from browser import browser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forger import Forger, Responder, forging
from page_user import PageUser

from plytalk.core.contracts.items import Extension, Item, Pong
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise.engine import TransportState
from plytalk.plugins.rooms.room_events import EVENT, ROOM, RoomEvent, write
from plytalk.plugins.web.page_files import single_file
from plytalk.trust.identity import OwnIdentity

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\u202e\x1b[31m\u2066"
IDENTITY = OwnIdentity(Ed25519PrivateKey.generate())
Opened = tuple[PageUser, Forger, str]


class Hub:
    """The server, behind its handshake."""

    def __init__(self, server: Responder) -> None:
        self.wire, self.messages = server.wire, Records(True)
        server.identity = IDENTITY  # the page knows it from the first meeting on
        server.shake()
        server.state.read_message(server.wire.receive())
        self.keys: TransportState = server.state.split()
        self.send_raw(bytes(64))  # it is let in
        self.hear()  # the request to join

    def hear(self) -> list[Item]:
        return self.messages.unpack(self.keys.receive.decrypt_with_ad(b"", self.wire.receive()))

    def send(self, *items: Item) -> None:
        for record in self.messages.pack(items):
            self.send_raw(record)

    def send_raw(self, record: bytes) -> None:
        self.wire.send(self.keys.send.encrypt_with_ad(b"", record))

    def welcome(self, **more: object) -> None:
        said = {"do": "welcome", "epoch": "1", "next": 1, "now": 1, "taken": 0, "room": "lobby", "you": "pia", "key": None}
        self.send(Extension(ROOM, write(**{**said, "here": [], "count": 1, "topic": "", **more})))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    file = tmp_path_factory.mktemp("page") / "chat.html"
    file.write_text(single_file())
    with forging() as (forger, address), browser() as driver:
        page = PageUser(driver, file.as_uri())
        forger.forge = lambda server: Hub(server).welcome()
        page.join(address)
        page.sees("You are pia in lobby.")
        page.forget()
        forger.end()
        yield page, forger, address


@contextmanager
def meeting(opened: Opened, says: Callable[[Hub], None]) -> Iterator[PageUser]:
    """The page at a server that says this."""
    page, forger, address = opened
    forger.forge = lambda server: says(Hub(server))
    page.forget()
    page.join(address, answer="")
    yield page
    page.forget()
    forger.end()


def test_whatever_is_said_is_text(opened: Opened) -> None:
    member = {"name": EVIL, "key": EVIL, "marks": [EVIL]}

    def says(hub: Hub) -> None:
        hub.welcome(room=EVIL, you=EVIL, topic=EVIL, here=[member], why=EVIL)
        offer = {
            "do": "offer",
            "number": 1,
            "id": EVIL,
            "sender": member,
            "file": {"name": EVIL, "size": 1, "root": "", "hash": EVIL},
        }
        said = [{"do": "tell", "text": EVIL}, {"do": "result", "lines": [EVIL]}, {"do": "error", "text": EVIL, "hint": EVIL}]
        hub.send(*(Extension(ROOM, write(**one)) for one in said))
        details = json.dumps({"to": EVIL, "text": EVIL, "action": EVIL, "target": member, "reason": EVIL})
        texts = [EVIL] * 6 + [details] * 3
        hub.send(*(Extension(EVENT, RoomEvent(kind, 0, kind, 6, EVIL, text).encode()) for kind, text in enumerate(texts, 1)))
        hub.send(Extension(FILE, bytes(5) + json.dumps(offer).encode()))
        hub.send(Extension(EVENT, RoomEvent(99, 0, 1, 0, "eve", "that was all").encode()))

    with meeting(opened, says) as page:
        page.sees("that was all")
        page.wait_until(lambda: "offers" in page.log, "the offer")
        assert page.log.count("<img src=x") >= 15
        assert page.all("#talk img, #talk script") == []
        shown = page.driver.execute_script("return document.body.textContent + document.title")  # type: ignore[no-untyped-call]
        assert "owned'" in shown
        assert page.driver.title != "owned"
        assert [hidden for hidden in "\u202e\u2066\x1b" if hidden in shown] == []


DEEP = b'{"do":"welcome","room":"r","epoch":"1","you":"y","next":1,"here":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NONSENSE = {
    "an event that is too short": Extension(EVENT, b"\1" * 18),
    "a key of five bytes": Extension(EVENT, bytes(18) + b"\5" + bytes(40)),
    "a statement about a file that is too short": Extension(FILE, b"\0"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_not_the_protocol_ends_the_conversation(opened: Opened, name: str) -> None:
    def says(hub: Hub) -> None:
        hub.welcome()
        hub.send(NONSENSE[name])

    with meeting(opened, says) as page:
        assert page.is_refused() == "The server broke the protocol."


RECORDS = {
    "of another size": bytes(63),
    "that ends within an item": b"\1\xff\xff" + bytes(61),
    "padded with something": b"\1\0\3oh!" + bytes(57) + b"\7",
    "of zeros, but for one byte": bytes(63) + b"\1",
}


@pytest.mark.parametrize("name", RECORDS)
def test_so_does_a_malformed_record(opened: Opened, name: str) -> None:
    def says(hub: Hub) -> None:
        hub.welcome()
        hub.send_raw(RECORDS[name])

    with meeting(opened, says) as page:
        assert page.is_refused() == "The server broke the protocol."


def test_objects_that_are_none_and_those_that_never_end_do_no_harm(opened: Opened) -> None:
    def says(hub: Hub) -> None:
        hub.welcome(here="nobody", count="many", next=-5, now=None)
        for body in (b"", b"[]", b"null", b'"do"', b"{", b"\xff", DEEP):
            hub.send(Extension(ROOM, body))
        hub.send(
            *(
                Extension(FILE, bytes(5) + body)
                for body in (b"", b"null", b'{"do":"offer","number":1}', b'{"do":"reply","number":{}}')
            )
        )
        hub.send(Extension(77, b"from the future"), Pong(b"never asked for"))
        hub.send(Extension(EVENT, RoomEvent(2**62, 2**63, 1, 255, "eve", "still here").encode()))

    with meeting(opened, says) as page:
        assert "eve" in page.sees("still here")


def test_a_server_that_says_nothing_more_is_let_go(opened: Opened) -> None:
    """Without a welcome the page knows from the answer to its ping that there are no rooms."""

    def says(hub: Hub) -> None:
        hub.send(Pong(b""))

    with meeting(opened, says) as page:
        assert page.is_refused() == "This server has no rooms."
