"""The same for many: plaintexts that go out over many connections, each under its own keys, layer by layer in one loop each."""

from collections.abc import Sequence
from operator import add
from typing import cast

from plytalk.core.contracts.batch_methods import EncodesEach, SealsEach, SendsEach
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Failed, FrameKind, attempt
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.batches import offers
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE

SMALL = 16 * KIB
"""Up to how many bytes it pays to go layer by layer: of what is larger, too little is in the cache at once."""
FEW = 6
"""Up to how many connections one after the other is faster: layer by layer begins to pay with more."""
IN_CACHE = 64 * KIB
"""How many bytes are sealed before they are sent: more would be fetched from memory again."""


def broadcast(connections: Sequence[Connection], plaintexts: Sequence[bytes], items: Sequence[Item] = ()) -> list[Connection]:
    """Send plaintexts over connections of one stack; returns those whose streams are full now.

    Where `items` say the same, they share a record with what a connection is to send already. What fails in one ends that one
    alone.
    """
    size = sum(map(len, plaintexts))
    alone, others = list(connections), list[Connection]()
    if len(connections) > FEW and size <= SMALL and _does_many_at_once(connections[0]):
        alone = [connection for connection in connections if connection.pending]
        others = [connection for connection in connections if not connection.pending]
    for connection in alone:
        if connection.pending and items and size <= SMALL:  # one record takes this and what is pending
            connection.pending += items
            connection.flush()
        else:
            connection.flush(plaintexts)
    full = [connection for connection in alone if connection.stream.full]
    at_once = max(1, IN_CACHE // max(1, size))
    failed: list[tuple[Connection, BaseException]] = []
    for start in range(0, len(others), at_once):
        full += _send_to_part(others[start : start + at_once], plaintexts, failed)
    for connection, error in failed:
        connection.fail(error)
    return full


def _does_many_at_once(one: Connection) -> bool:
    """Whether it is faster to go layer by layer over many connections like this one."""
    return offers(type(one.cipher), SealsEach) or offers(type(one.framer), EncodesEach) or offers(type(one.stream), SendsEach)


def _send_to_part(
    part: Sequence[Connection], plaintexts: Sequence[bytes], failed: list[tuple[Connection, BaseException]]
) -> list[Connection]:
    ciphers = [connection.cipher for connection in part]
    framers = [connection.framer for connection in part]
    streams = [connection.stream for connection in part]
    seal_all = cast(SealsEach, ciphers[0]).seal_each if offers(type(ciphers[0]), SealsEach) else seal_each
    encode_all = cast(EncodesEach, framers[0]).encode_each if offers(type(framers[0]), EncodesEach) else encode_each
    errors: Failed = []
    pieces: list[bytes] = []
    for plaintext in plaintexts:
        frames = encode_all(framers, MESSAGE, seal_all(ciphers, plaintext, errors), errors)
        pieces = list(map(add, pieces, frames)) if pieces else frames
    for number, _ in errors:
        pieces[number] = b""
    full = send_each(streams, pieces, errors)
    failed += [(part[number], error) for number, error in errors]
    return [part[number] for number in full]


def seal_each(ciphers: Sequence[Cipher], plaintext: bytes, failed: Failed) -> list[bytes]:
    """`SealsEach` for any cipher."""
    return [attempt(number, failed, cipher.seal, plaintext) or b"" for number, cipher in enumerate(ciphers)]


def encode_each(framers: Sequence[Framer], kind: FrameKind, payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
    """`EncodesEach` for any framer."""
    pairs = enumerate(zip(framers, payloads, strict=True))
    return [attempt(number, failed, framer.encode, kind, payload) or b"" for number, (framer, payload) in pairs]


def send_each(streams: Sequence[Stream], pieces: Sequence[bytes], failed: Failed) -> list[int]:
    """Gives the numbers of those that are full."""
    kinds = set(map(type, streams))
    if len(kinds) > 1:  # members that came through listeners of several transports
        return [number for kind in kinds for number in _send_each_of(kind, streams, pieces, failed)]
    if offers(type(streams[0]), SendsEach):
        return cast(SendsEach, streams[0]).send_each(streams, pieces, failed)
    for number, (stream, piece) in enumerate(zip(streams, pieces, strict=True)):
        attempt(number, failed, stream.send, piece)
    return [number for number, stream in enumerate(streams) if stream.full]


def _send_each_of(kind: type[Stream], streams: Sequence[Stream], pieces: Sequence[bytes], failed: Failed) -> list[int]:
    """The same for the streams of one class among others."""
    numbers = [number for number, stream in enumerate(streams) if type(stream) is kind]
    errors: Failed = []
    full = send_each([streams[number] for number in numbers], [pieces[number] for number in numbers], errors)
    failed += [(numbers[at], error) for at, error in errors]
    return [numbers[at] for at in full]
