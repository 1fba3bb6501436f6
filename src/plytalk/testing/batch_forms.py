"""Batch forms do what one call for each does: also where one of a batch is bad, and where batches and single calls alternate."""

from collections.abc import Callable
from typing import Any

from plytalk.core.contracts.batch_methods import CipherBatch, FramerBatch, HeadsBatch, MessagesBatch
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import FrameTooLong, Tampered
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Close, Item
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.batches import offers
from plytalk.testing.cutting import flipped, seeded
from plytalk.testing.verdict import demand

WORDS = [b"", b"one", b"one", b"x" * 1000, "Grüße".encode(), b"exit"]
RAISED = object()
"""In place of what a call would have given."""


def check_cipher_batch(pair: Callable[[], tuple[Cipher, Cipher]]) -> None:
    """Hold the batch form of a cipher, if it has one, to the single form. `pair` gives both ends of a new conversation."""
    client, server = pair()
    if not (offers(type(client), CipherBatch) and isinstance(client, CipherBatch) and isinstance(server, CipherBatch)):
        return
    opened = [server.open(one) for one in (client.seal(b"before"), *client.seal_batch(WORDS), client.seal(b"behind"))]
    demand(opened == [b"before", *WORDS, b"behind"], "What `seal_batch` seals does not open as what `seal` seals.")
    sealed = [server.seal(one) for one in (b"before", *WORDS, b"behind")]
    opened = [client.open(sealed[0]), *client.open_batch(sealed[1:-1]), client.open(sealed[-1])]
    demand(opened == [b"before", *WORDS, b"behind"], "`open_batch` does not open what `seal` sealed.")
    demand(client.seal_batch([]) == [] and client.open_batch([]) == [], "A batch of nothing is not nothing.")
    if Property.SECRECY in type(client).gives:
        again = client.seal_batch([WORDS[1]] * 20)
        demand(len(set(again)) == len(again), "`seal_batch` seals the same words alike: each needs another nonce.")
    if Property.ORDER in type(client).gives:
        before = client.sealed_count  # type: ignore[attr-defined]
        client.seal_batch(WORDS)
        demand(client.sealed_count == before + len(WORDS), "`sealed_count` does not count what `seal_batch` seals.")  # type: ignore[attr-defined]
    if Property.INTEGRITY in type(client).gives:
        _opens_none_of_a_bad_batch(pair)


def _opens_none_of_a_bad_batch(pair: Callable[[], tuple[Cipher, Cipher]]) -> None:
    for bad in range(len(WORDS)):
        client, server = pair()
        assert isinstance(server, CipherBatch)
        sealed = [client.seal(one) for one in WORDS]
        sealed[bad] = flipped(sealed[bad], len(sealed[bad]) * 8 - 1)
        demand(
            _result(server.open_batch, sealed) is RAISED,
            f"`open_batch` opens a batch of which number {bad + 1} was changed: raise, since `open` would.",
        )
        demand(
            [_result(server.open, one) for one in sealed[:bad]] == WORDS[:bad],
            "After `open_batch` raised, `open` does not open what came before the bad one: change nothing before all are opened.",
        )
        try:
            server.open(sealed[bad])
        except Tampered:
            continue
        raise AssertionError("`open` opens what `open_batch` refused.")


def check_framer_batch(make: Callable[[], Framer], sent: list[tuple[bytes, bytes]]) -> None:
    """Hold the batch forms of a framer, if it has them, to the single form."""
    if offers(type(make()), HeadsBatch):
        for kind, payload in sent:
            (head,) = _batch(make()).head_batch(kind, [payload])
            demand(head + payload == make().encode(kind, payload), "`head_batch` returns another header than `encode`.")
    if not offers(type(make()), FramerBatch):
        return
    one, kinds = make(), [kind for kind, _ in sent]
    payloads = [payload for _, payload in sent]
    for kind in set(kinds):
        found = _batch(one).encode_batch(kind, payloads)
        demand(found == [one.encode(kind, payload) for payload in payloads], "`encode_batch` and `encode` differ.")
    stream = b"".join(one.encode(kind, payload) for kind, payload in sent)
    for most in (1, 2, 1000):
        for pieces in ([stream], [stream[:50], stream[50:]], [stream[at : at + 1] for at in range(len(stream))]):
            _cuts_the_same(make, pieces, most)
    _cuts_up_to_a_fault(make)


def _cuts_the_same(make: Callable[[], Framer], pieces: list[bytes], most: int) -> None:
    single, batch = make(), make()
    came, wanted = list[bytes](), list[bytes]()
    for piece in pieces:
        single.feed(piece)
        batch.feed(piece)
        for kind, payload in single.frames():
            wanted.append(payload)
            while len(came) < len(wanted):
                cut = _batch(batch).cut_batch(b"" if kind is None else kind, most)
                demand(cut, "`cut_batch` gives nothing where `frames` gives a frame.")
                demand(len(cut) <= most, f"`cut_batch` gives {len(cut)} frames where at most {most} were asked for.")
                came += cut
    demand(came == wanted, "`cut_batch` gives other frames than `frames`, or another kind than was asked for.")
    demand(batch.unfinished == single.unfinished, "`unfinished` counts otherwise behind `cut_batch` than behind `frames`.")


def _cuts_up_to_a_fault(make: Callable[[], Framer]) -> None:
    sender, receiver = make(), make()
    receiver.limit = 10
    receiver.feed(sender.encode(b"M", b"good") * 2 + sender.encode(b"M", bytes(11)))
    cut = _result(_batch(receiver).cut_batch, b"M", 10)
    demand(cut == [b"good"] * 2, "`cut_batch` does not give the frames before one that is too long: raise in the next call.")
    try:
        _batch(receiver).cut_batch(b"M", 10)
    except FrameTooLong:
        return
    raise AssertionError("`cut_batch` accepts a frame longer than `limit`: raise FrameTooLong as `frames` does.")


def check_messages_batch(make: Callable[[bool], Messages]) -> None:
    """Hold the batch form of messages, if they have one, to the single form. `make(boundaries)` gives new ones."""
    if not offers(type(make(True)), MessagesBatch):
        return
    random = seeded(4)
    said = [plaintext for item in ("one", "two", "x" * 1000, Close()) for plaintext in make(True).pack([item])]
    for boundaries in (True, False):
        for bad in ([], [b"\xff\xfe"], [random.randbytes(40)]):
            plaintexts = [*said[:2], *bad, *said[2:]]
            single, batch = make(boundaries), make(boundaries)
            wanted = _each(single, plaintexts)
            found = _result(_batch(batch).unpack_batch, plaintexts)
            if found is RAISED:  # nothing has changed: each for itself
                demand(bad or RAISED in wanted, "`unpack_batch` raises where `unpack` does not.")
                found = _each(batch, plaintexts)
            demand(found == wanted, f"`unpack_batch` gives {found!r:.80}, and `unpack` {wanted!r:.80}.")


def _each(messages: Messages, plaintexts: list[bytes]) -> list[Item | object]:
    """What `unpack` gives for each, up to the first for which it raises."""
    found: list[Item | object] = []
    for plaintext in plaintexts:
        items = _result(lambda plaintext=plaintext: list(messages.unpack(plaintext)))
        if items is RAISED:
            return [*found, RAISED]
        found += items
    return found


def _result(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception:
        return RAISED


def _batch(layer: Any) -> Any:
    """A layer that has a batch form, for the type checker."""
    return layer
