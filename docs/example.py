"""The worked example of docs/protocol.md, computed by the code that talks: `./run python docs/example.py` writes it.

Every key is fixed here, which nobody else may do: the numbers are for other implementations to check themselves against.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import astuple, replace

from plytalk.core.contracts.items import Ack, Close, Extension, Item
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import DH, X25519, KeyPair
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent
from plytalk.plugins.rooms.room_events import write as room
from plytalk.trust.identity import OwnIdentity

PAGE = Path(__file__).with_name("protocol.md")
BEGIN, END = "<!-- example: begin -->", "<!-- example: end -->"
SUITE = "Noise_XX_25519_ChaChaPoly_SHA256"
TOKENS = (SUITE,)
WIDTH = 64
EPOCH, INSTANCE, NOON = "0011223344556677", "8899aabbccddeeff", 1790000000000
SAID = ("Hello!", "Hör zu.")


def seed(what: str) -> bytes:
    """32 bytes that anybody can compute: SHA-256 of what they are for."""
    return sha256(f"plytalk/1 example: {what}".encode()).digest()


class Fixed(DH):
    """X25519 whose next key pair is known."""

    private: bytes

    def generate_keypair(self) -> KeyPair:
        return self.load(self.private)


def frame(data: bytes) -> bytes:
    return U16().encode(b"M", data)


def side(role: Role, prologue: bytes) -> HandshakeState:
    protocol = replace(named(SUITE), dh=Fixed(*astuple(X25519), seed(f"{role.value} e")))
    return HandshakeState(protocol, initiator=role is Role.INITIATOR, prologue=prologue, s=X25519.load(seed(f"{role.value} s")))


def identity(role: Role) -> OwnIdentity:
    return OwnIdentity(Ed25519PrivateKey.from_private_bytes(seed(f"{role.value} identity")))


def talk() -> tuple[dict[str, list[Item]], dict[str, list[Item]]]:
    """What the client says, and what the server says to it, record by record: alice comes into a room where bob is, and goes."""
    join = room(do="join", instance=INSTANCE, name="alice")
    alice, bob = identity(Role.INITIATOR).public, PublicKey.of("ssh-ed25519", seed("bob"))
    here = {"name": "bob", "key": bob.fingerprint, "marks": []}
    welcome = room(
        do="welcome", epoch=EPOCH, next=7, now=7, taken=0, missed=False, room="lobby", you="alice", key=alice.fingerprint,
        marks=[], operator=False, topic="", here=[here], count=2,
    )  # fmt: skip
    events = [
        RoomEvent(8 + number, NOON + number, Kind.SAID, 0, "alice", text, alice.digest).encode()
        for number, text in enumerate(SAID)
    ]
    came = RoomEvent(7, NOON - 1000, Kind.JOINED, 0, "alice", "", alice.digest).encode()
    client: dict[str, list[Item]] = {
        "a join": [Extension(ROOM, join)],
        "the messages `Hello!` and `Hör zu.`": [*SAID],
        "a close": [Close()],
    }
    server: dict[str, list[Item]] = {
        "the welcome": [Extension(ROOM, welcome)],
        "the event that alice came": [Extension(EVENT, came)],
        "the acknowledgement of two messages": [Ack(2)],
        "both messages as events": [Extension(EVENT, event) for event in events],
    }
    return client, server


def said(items: dict[str, list[Item]], whose: str, seals: NoiseTransport, opens: NoiseTransport) -> dict[str, bytes]:
    """Records by their names, and what they are on the wire."""
    records, found = Records(boundaries=True), dict[str, bytes]()
    for name, record in items.items():
        [plaintext] = records.pack(record)
        sealed = seals.seal(plaintext)
        if opens.open(sealed) != plaintext:
            raise AssertionError("the other side does not read what was sealed")
        found[f"{whose}: record with {name}"] = plaintext
        found[f"{whose}: record with {name}, sealed"] = frame(sealed)
    return found


def example() -> dict[str, Any]:
    """Every value of the example by its name, in the order in which they come about."""
    offer = preamble.Offer(TOKENS).encode()
    answer = preamble.Answer(SUITE, TOKENS).encode()
    prologue = preamble.prologue(offer, answer)
    client, server = side(Role.INITIATOR, prologue), side(Role.RESPONDER, prologue)
    a = client.write_message()
    server.read_message(a)
    b = server.write_message(payload.encode(identity(Role.RESPONDER), X25519.load(seed("server s")).public, NOON / 1000))
    client.read_message(b)
    c = client.write_message(payload.encode(identity(Role.INITIATOR), X25519.load(seed("client s")).public, NOON / 1000))
    server.read_message(c)
    ours, theirs = client.split(), server.split()
    cipher = NoiseTransport(SessionSecrets(states=(ours.send, ours.receive)), Role.INITIATOR)
    opening = NoiseTransport(SessionSecrets(states=(theirs.send, theirs.receive)), Role.RESPONDER)
    client_says, server_says = talk()
    secrets = SessionSecrets(transcript=ours.handshake_hash)
    return {
        "client identity (Ed25519 seed)": seed("client identity"),
        "client static private key": seed("client s"),
        "client ephemeral private key": seed("client e"),
        "server identity (Ed25519 seed)": seed("server identity"),
        "server static private key": seed("server s"),
        "server ephemeral private key": seed("server e"),
        "client -> server: preamble": frame(offer),
        "server -> client: preamble": frame(answer),
        "prologue": prologue,
        "client -> server: message A": frame(a),
        "server -> client: message B": frame(b),
        "client -> server: message C": frame(c),
        "handshake hash": ours.handshake_hash,
        "binding of the authenticator `words`": secrets.binding("words"),
        **said(client_says, "client -> server", cipher, opening),
        **said(server_says, "server -> client", opening, cipher),
    }


def text() -> str:
    """The example as in the page."""
    lines = [BEGIN]
    for name, value in example().items():
        digits = value.hex()
        lines += ["", f"{name} ({len(value)} bytes):", "", "```text"]
        lines += [digits[at : at + WIDTH] for at in range(0, len(digits), WIDTH)]
        lines += ["```"]
    return "\n".join([*lines, "", END])


def write() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + text() + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    write()
