"""`chat lab interop`: another implementation of a Noise protocol, held to vectors and played against, in both roles.

vectors               the peer program plays one side with the vector's keys: every message must be the vector's
conversations         with keys that it draws, against our side
changed messages      a bit of each message that it reads is flipped: it must not go on as if nothing had happened
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plytalk.core.contracts.errors import HandshakeFailed, RemoteError
from plytalk.lab.vectors.noise_vectors import SIDES, TRANSPORT, Vector, noise_vector
from plytalk.lab.vectors.peer_program import PeerFailed, PeerProgram
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.protocol import NoiseProtocol, named

KNOWN = ("prologue", "psks", "static", "ephemeral", "remote_static", "kem_seed", "kem_randomness")
DRAWN = ("ephemeral", "kem_seed", "kem_randomness")
ROLES = {"init": "initiator", "resp": "responder"}


@dataclass(frozen=True)
class Check:
    """What the peer program was put through, and what was wrong; nothing where `fault` is empty."""

    name: str
    fault: str = ""


def checks(peer: PeerProgram, name: str, seed: int, count: int) -> Iterator[Check]:
    """Every check of a peer program that speaks the protocol `name`, with `count` vectors. Raises Usage for an unknown name."""
    protocol = named(name)
    begins = tried("it begins", start, peer, protocol, SIDES[0], noise_vector(name, seed, 0), True)
    yield begins
    if begins.fault:
        return
    for number in range(count):
        vector = noise_vector(name, seed, number)
        for side in SIDES:
            yield tried(f"vector {number + 1} as the {ROLES[side]}", follow, peer, protocol, vector, side)
    for side in SIDES:
        yield tried(f"a conversation as the {ROLES[side]}", converse, peer, protocol, side, seed)
    for side in SIDES:
        for index in read_by(protocol, side):
            yield tried(f"message {index + 1} changed, as the {ROLES[side]}", disturb, peer, protocol, side, seed, index)


def tried(name: str, check: Callable[..., None], *arguments: Any) -> Check:
    """A check, whose fault is what it raises."""
    try:
        check(*arguments)
    except RemoteError as fault:
        return Check(name, str(fault))
    return Check(name)


def read_by(protocol: NoiseProtocol, side: str) -> Iterator[int]:
    """The numbers of the handshake messages that a side reads."""
    return (index for index in range(len(protocol.pattern.messages)) if (index % 2 == 0) != (side == "init"))


def start(peer: PeerProgram, protocol: NoiseProtocol, side: str, vector: Vector, drawn: bool) -> None:
    """Begin a handshake at the peer program, with a vector's keys; without those that a side draws unless `drawn`."""
    known = {key: vector[f"{side}_{key}"] for key in KNOWN if f"{side}_{key}" in vector and (drawn or key not in DRAWN)}
    answer = peer.ask(do="start", protocol_name=protocol.name, initiator=side == "init", **known)
    if "error" in answer:
        raise PeerFailed(f"The peer program cannot begin {protocol.name}: {answer['error']!r:.200}.")


def follow(peer: PeerProgram, protocol: NoiseProtocol, vector: Vector, side: str) -> None:
    """Let the peer program play one side of a vector. Raises PeerFailed where it differs."""
    start(peer, protocol, side, vector, drawn=True)
    handshake = len(protocol.pattern.messages)
    for index, message in enumerate(vector["messages"]):
        if index == handshake:
            same(peer.get("handshake_hash", do="finish"), vector["handshake_hash"], "the handshake hash")
        ours = (index % 2 == 0 or protocol.pattern.one_way) == (side == "init")
        sends, reads = (
            (("write", "payload"), ("read", "message")) if index < handshake else (("seal", "plaintext"), ("open", "message"))
        )
        if ours:
            same(
                peer.get("message", do=sends[0], **{sends[1]: message["payload"]}), message["ciphertext"], f"message {index + 1}"
            )
        else:
            same(
                peer.get(sends[1], do=reads[0], message=message["ciphertext"]),
                message["payload"],
                f"the payload of message {index + 1}",
            )


def same(got: bytes, expected: str, what: str) -> None:
    """Raises PeerFailed where a value differs."""
    if got.hex() != expected:
        at = next(
            (place for place, pair in enumerate(zip(got, bytes.fromhex(expected), strict=False)) if pair[0] != pair[1]), None
        )
        where = f"from byte {at} on" if at is not None else f"in length: {len(got)} instead of {len(expected) // 2} bytes"
        raise PeerFailed(f"It differs in {what}, {where}.")


def our_side(protocol: NoiseProtocol, vector: Vector, side: str) -> HandshakeState:
    """Our side of a conversation, with the long-lived keys of a vector and new ephemeral ones."""
    keys: dict[str, Any] = {}
    if f"{side}_static" in vector:
        keys["s"] = protocol.dh.load(bytes.fromhex(vector[f"{side}_static"]))
    if f"{side}_remote_static" in vector:
        keys["rs"] = bytes.fromhex(vector[f"{side}_remote_static"])
    psks = [bytes.fromhex(psk) for psk in vector.get(f"{side}_psks", ())]
    prologue = bytes.fromhex(vector[f"{side}_prologue"])
    return HandshakeState(protocol, initiator=side == "init", prologue=prologue, psks=psks, **keys)


def converse(peer: PeerProgram, protocol: NoiseProtocol, side: str, seed: int) -> None:
    """A whole conversation with keys that the peer program draws. Raises PeerFailed, HandshakeFailed or Tampered."""
    vector = noise_vector(protocol.name, seed, 0)
    ours = our_side(protocol, vector, SIDES[side == "init"])
    start(peer, protocol, side, vector, drawn=False)
    while not ours.complete:
        said = b"message for " + side.encode()
        if ours.my_turn:
            same(peer.get("payload", do="read", message=ours.write_message(said).hex()), said.hex(), "a payload")
        elif ours.read_message(peer.get("message", do="write", payload=said.hex())) != said:
            raise PeerFailed("Its payload is not the one that it was given.")
    keys = ours.split()
    same(peer.get("handshake_hash", do="finish"), keys.handshake_hash.hex(), "the handshake hash")
    for number in range(TRANSPORT):
        said = f"transport {number}".encode()
        if not protocol.pattern.one_way or side == "resp":
            same(peer.get("plaintext", do="open", message=keys.send.encrypt_with_ad(b"", said).hex()), said.hex(), "a plaintext")
        if protocol.pattern.one_way and side == "resp":
            continue
        if keys.receive.decrypt_with_ad(b"", peer.get("message", do="seal", plaintext=said.hex())) != said:
            raise PeerFailed("What it seals is not the plaintext that it was given.")


def disturb(peer: PeerProgram, protocol: NoiseProtocol, side: str, seed: int, index: int) -> None:
    """Flip the last bit of one message that the peer program reads. Raises PeerFailed where both sides then agree."""
    vector = noise_vector(protocol.name, seed, 0)
    ours = our_side(protocol, vector, SIDES[side == "init"])
    start(peer, protocol, side, vector, drawn=False)
    for number in range(len(protocol.pattern.messages)):
        if ours.my_turn:
            message = ours.write_message(b"payload")
            if number == index:
                message = message[:-1] + bytes([message[-1] ^ 1])
            if "error" in peer.ask(do="read", message=message.hex()):
                return
        else:
            try:
                ours.read_message(peer.get("message", do="write", payload="00"))
            except HandshakeFailed:
                return
    if peer.get("handshake_hash", do="finish") == ours.split().handshake_hash:
        raise PeerFailed("It takes the changed message for the original, and both sides agree on the conversation.")
    if index == len(protocol.pattern.messages) - 1:
        raise PeerFailed("It takes a last message that was changed.")
