"""The worked example of docs/protocol.md, computed by the code that talks: `./run python docs/example.py` writes it.

Every key is fixed here, which nobody else may do: the numbers are for other implementations to check themselves against.
"""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.identity import Identity
from plytalk.core.keys import Role, Secrets
from plytalk.core.messages import Close
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import DH, X25519, KeyPair
from plytalk.plugins.noise.protocol import named

PAGE = Path(__file__).with_name("protocol.md")
BEGIN, END = "<!-- example: begin -->", "<!-- example: end -->"
SUITE = "Noise_XX_25519_ChaChaPoly_SHA256"
TOKENS = (SUITE,)
WIDTH = 64


def seed(what: str) -> bytes:
    """32 bytes that anybody can compute: SHA-256 of what they are for."""
    return sha256(f"plytalk/1 example: {what}".encode()).digest()


class Fixed(DH):
    """X25519 whose next key pair is known."""

    def __init__(self, private: bytes) -> None:
        super().__init__(X25519.name, X25519.dhlen, X25519.private_type, X25519.public_type)
        object.__setattr__(self, "private", private)

    def generate_keypair(self) -> KeyPair:
        return self.load(self.private)  # type: ignore[attr-defined]


def frame(data: bytes) -> bytes:
    return U16().encode(b"M", data)


def side(role: Role, prologue: bytes) -> HandshakeState:
    protocol = replace(named(SUITE), dh=Fixed(seed(f"{role.value} e")))
    return HandshakeState(protocol, initiator=role is Role.INITIATOR, prologue=prologue, s=X25519.load(seed(f"{role.value} s")))


def identity(role: Role) -> Identity:
    return Identity(Ed25519PrivateKey.from_private_bytes(seed(f"{role.value} identity")))


def example() -> dict[str, Any]:
    """Every value of the example by its name, in the order in which they come about."""
    offer = preamble.Offer(TOKENS).encode()
    answer = preamble.Answer(SUITE, TOKENS).encode()
    prologue = preamble.prologue(offer, answer)
    client, server = side(Role.INITIATOR, prologue), side(Role.RESPONDER, prologue)
    a = client.write_message()
    server.read_message(a)
    b = server.write_message(payload.encode(identity(Role.RESPONDER), X25519.load(seed("server s")).public))
    client.read_message(b)
    c = client.write_message(payload.encode(identity(Role.INITIATOR), X25519.load(seed("client s")).public))
    server.read_message(c)
    ours, theirs = client.split(), server.split()
    cipher = NoiseTransport(Secrets(states=(ours.send, ours.receive)), Role.INITIATOR)
    opening = NoiseTransport(Secrets(states=(theirs.send, theirs.receive)), Role.RESPONDER)
    records = Records(borders=True)
    [hello], [goodbye] = records.pack(["Hello!", "Hör zu."]), records.pack([Close()])
    sealed = [cipher.seal(hello), cipher.seal(goodbye)]
    if [opening.open(one) for one in sealed] != [hello, goodbye]:
        raise AssertionError("the other side does not read what was sealed")
    secrets = Secrets(transcript=ours.handshake_hash)
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
        "record with the messages `Hello!` and `Hör zu.`": hello,
        "client -> server: that record, sealed": frame(sealed[0]),
        "record with a close": goodbye,
        "client -> server: that record, sealed ": frame(sealed[1]),
    }


def text() -> str:
    """The example as it stands in the page."""
    lines = [BEGIN]
    for name, value in example().items():
        digits = value.hex()
        lines += ["", f"{name.strip()} ({len(value)} bytes):", "", "```text"]
        lines += [digits[at : at + WIDTH] for at in range(0, len(digits), WIDTH)]
        lines += ["```"]
    return "\n".join([*lines, "", END])


def write() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + text() + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    write()
