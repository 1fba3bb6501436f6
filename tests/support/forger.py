"""A hostile server for the web page: a real WebSocket, behind which the handshake is forged in one way of many.

`FORGERIES` are by name; each makes the frames that a page is sent, out of those that it sends. `CLOSED` is what a page says when
the connection is closed without a word.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import spake2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.authenticators.code import CLIENT, SERVER
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.impostor import LOW_ORDER
from plytalk.plugins.noise.primitives import X25519, KeyPair
from plytalk.plugins.noise.protocol import named
from plytalk.trust.identity import OwnIdentity

SUITE = "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"
PRIME = 2**255 - 19
ZERO = (1).to_bytes(32, "little")
"""The neutral point of Ed25519's curve, and a key of small order."""
FORGED = ZERO + bytes(32)
"""A signature that fits every message under it: R is the neutral point, and S is 0."""
UNREDUCED = (PRIME + 1).to_bytes(32, "little")
"""The same point, written as a number that is not reduced."""


class Wire:
    """The server's end: frames over a WebSocket."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket, self._came = socket, b""

    def send(self, frame: bytes) -> None:
        self._socket.send(len(frame).to_bytes(2, "big") + frame)

    def send_raw(self, data: bytes) -> None:
        self._socket.send(data)

    def receive(self) -> bytes:
        """The next frame. Raises ConnectionClosed."""
        while len(self._came) < 2 or len(self._came) < 2 + int.from_bytes(self._came[:2], "big"):
            self._came += self._socket.recv()  # type: ignore[operator]
        end = 2 + int.from_bytes(self._came[:2], "big")
        frame, self._came = self._came[2:end], self._came[end:]
        return frame


@dataclass
class Responder:
    """An honest server's side, every part of which a forgery can replace."""

    wire: Wire
    seen: dict[str, Any]
    identity: OwnIdentity = field(default_factory=lambda: OwnIdentity(Ed25519PrivateKey.generate()))
    code: bytes = b""

    def greet(self, chosen: str = "", edit: Callable[[bytes], bytes] = bytes) -> None:
        """Agree on a suite; `edit` changes the page's offer for the prologue, as somebody between the two would."""
        offer = self.wire.receive()
        known = preamble.tokens([SUITE], "code" if self.code else "")
        answer = preamble.Answer(chosen or known[0], (chosen,) if chosen else known).encode()
        self.wire.send(answer)
        self.prologue = preamble.prologue(edit(offer), answer)

    def start(self, low: bool = False, pair: KeyPair | None = None, psks: tuple[bytes, ...] = ()) -> None:
        """Read message A. With `low`, both keys of this side are of low order."""
        name = preamble.suite(preamble.tokens([SUITE], "code" if self.code else "")[0])
        protocol = replace(named(name), dh=LOW_ORDER) if low else named(name)
        self.pair = pair or protocol.dh.generate_keypair()
        self.state = HandshakeState(protocol, initiator=False, prologue=self.prologue, s=self.pair, psks=psks)
        self.state.read_message(self.wire.receive())

    def proof(self, ago: float = 0) -> bytes:
        return payload.encode(self.identity, self.pair.public, time.time() - ago)

    def answer(self, proof: bytes) -> bytes:
        """Message B."""
        return self.state.write_message(proof)

    def shake(self, change: Callable[[bytes], bytes] = bytes, ago: float = 0) -> None:
        """All up to B, with the proof that `change` makes of the honest one."""
        self.greet()
        self.start()
        self.wire.send(self.answer(change(self.proof(ago))))


def spliced(proof: bytes, at: int, new: bytes) -> bytes:
    return proof[:at] + new + proof[at + len(new) :]


def under(key: bytes) -> Callable[[bytes], bytes]:
    """A proof under a key for which a signature that fits every message can be written down."""
    return lambda proof: spliced(spliced(spliced(proof, 6, key), 40, FORGED), 115, FORGED)


def replays(server: Responder) -> None:
    server.greet()
    server.start()
    server.wire.send(server.seen.setdefault("B", server.answer(server.proof())))


def steals_proof(server: Responder) -> None:
    """A proof that the same owner once signed for another static key."""
    server.shake(lambda _: payload.encode(server.identity, X25519.generate_keypair().public, time.time()))


def shows_low_order(server: Responder) -> None:
    server.greet()
    server.start(low=True)
    server.wire.send(server.answer(server.proof()))


def edits_offer(server: Responder) -> None:
    server.greet(edit=lambda offer: offer.replace(b"AESGCM", b"AESGCN"))
    server.start()
    server.wire.send(server.answer(server.proof()))


def swaps_suite(server: Responder) -> None:
    server.greet(chosen="Noise_XX_25519_AESGCM_SHA256")


def cuts_short(server: Responder) -> None:
    server.greet()
    server.start()
    server.wire.send(server.answer(server.proof())[:-1])


def says_too_much(server: Responder) -> None:
    server.greet()
    server.start()
    server.wire.send_raw((1380).to_bytes(2, "big"))  # the header alone decides


def flips_bit(server: Responder) -> None:
    server.greet()
    server.start()
    message = bytearray(server.answer(server.proof()))
    message[40] ^= 1  # in the ciphertext of ML-KEM
    server.wire.send(bytes(message))


def guesses_code(server: Responder) -> None:
    """Without the code, by somebody who does all else rightly: message C does not open, and a server then closes."""
    server.code = b"7-orbit-velvet"
    server.greet()
    spake = spake2.SPAKE2_B(b"1-orbit-velvet", CLIENT, SERVER)
    server.wire.send(spake.start())
    server.start(psks=(spake.finish(server.wire.receive()),))
    server.wire.send(server.answer(server.proof()))
    server.state.read_message(server.wire.receive())


def sends_element(element: bytes) -> Callable[[Responder], None]:
    def send(server: Responder) -> None:
        server.code = b"7-orbit-velvet"
        server.greet()
        server.wire.receive()
        server.wire.send(b"B" + element)

    return send


def reflects_element(server: Responder) -> None:
    server.code = b"7-orbit-velvet"
    server.greet()
    server.wire.send(b"B" + server.wire.receive()[1:])


FORGERIES: dict[str, tuple[Callable[[Responder], None], str]] = {
    "a wrong signature": (lambda server: server.shake(lambda proof: spliced(proof, 50, b"\x55\xaa")), "is forged"),
    "a wrong signature of the date": (
        lambda server: server.shake(lambda proof: spliced(proof, 130, b"\x55\xaa")),
        "is forged",
    ),
    "a date that was changed": (lambda server: server.shake(lambda proof: spliced(proof, 107, bytes(8))), "is forged"),
    "a proof of last week": (lambda server: server.shake(ago=7 * 86400), "is for another date"),
    "a proof for another static key": (steals_proof, "is forged"),
    "a proof in another form": (lambda server: server.shake(lambda proof: proof[:104]), "is malformed"),
    "the key of another": (
        lambda server: server.shake(
            lambda proof: spliced(proof, 6, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        ),
        "is forged",
    ),
    "an Ed25519 key of small order": (lambda server: server.shake(under(ZERO)), "not a usable key"),
    "an Ed25519 key that is not reduced": (lambda server: server.shake(under(UNREDUCED)), "not a usable key"),
    "an Ed25519 key of small order with a sign": (
        lambda server: server.shake(under(bytes(31) + b"\x80")),
        "not a usable key",
    ),
    "X25519 keys of small order": (shows_low_order, "cannot keep a secret"),
    "an offer that was edited": (edits_offer, "does not decrypt"),
    "a suite that was not offered": (swaps_suite, "asks for Noise_XX_25519_AESGCM_SHA256."),
    "a message cut short": (cuts_short, "does not decrypt"),
    "a message that is too long": (says_too_much, "broke the protocol"),
    "a ciphertext of ML-KEM that was changed": (flips_bit, "does not decrypt"),
    "a message B that was sent before": (replays, "does not decrypt"),
    "a wrong code": (guesses_code, "The code is wrong"),
    "an element of small order": (sends_element(ZERO), "broke the protocol"),
    "an element that is not a point": (sends_element(b"\x02" + bytes(31)), "broke the protocol"),
    "the page's own element": (reflects_element, "broke the protocol"),
}
"""What is done, and a part of the sentence with which the page refuses."""


class Forger:
    """The server. `forge` is what it does next; `behind` is what a page sent behind all that it was asked for."""

    def __init__(self) -> None:
        self.forge: Callable[[Responder], None] = replays
        self.seen: dict[str, Any] = {}
        self.behind: list[bytes] = []
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []

    def end(self) -> None:
        """Wait until all pages have gone."""
        for thread in self._threads:
            thread.join(180)

    def talk(self, socket: ServerConnection) -> None:
        self._threads.append(threading.current_thread())
        wire = Wire(socket)
        try:
            self.forge(Responder(wire, self.seen))
            while True:
                self.behind.append(wire.receive())
        except (ConnectionClosed, HandshakeFailed):
            pass
        self.over.set()


@contextmanager
def forging() -> Iterator[tuple[Forger, str]]:
    """A forger, and its address."""
    forger = Forger()
    with serve(forger.talk, "127.0.0.1", 0, subprotocols=[Subprotocol("plytalk.1")]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield forger, f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        finally:
            server.shutdown()
            thread.join()
