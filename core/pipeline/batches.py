"""Passes a batch through the layers: with a layer's batch form if it has one, otherwise with one call for each item."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from plytalk.core.contracts.batch_methods import (
    BATCH_FORMS,
    LARGE,
    CipherBatch,
    FramerBatch,
    HeadsBatch,
    MessagesBatch,
    SendsBatch,
)
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import Tampered
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE

BATCH = 256
"""How many frames a batch has at most: a peer is charged for them when they have been decoded, so that must not be many."""
MANY = 8
"""From how many plaintexts on it pays to seal all and then to frame all: fewer are long lines, whose copies fill the cache."""
Batch = tuple[Iterable[Item], int, int]
"""Items, and of how many sealed bytes and records."""


# -- in -------------------------------------------------------------------------------------------------------------------


def decode(
    framer: Framer, cipher: Cipher, messages: Messages, skipped: Callable[[str], None], waiting: list[bytes]
) -> Iterator[Batch]:
    """What the frames that have come say, batch by batch. A fault of one is raised, or told to `skipped`, in its place.

    What is skipped is a batch without items: its sender is charged for it, and may be read no more. `waiting` holds what has been
    cut or opened and not been read yet, the first at its end. Without a batch form a framer gives one frame at a time.
    """
    cut = cast(FramerBatch, framer).cut_batch if offers(type(framer), FramerBatch) else None
    one_by_one = iter(()) if cut else framer.frames()
    while True:
        sealed = cut(MESSAGE, BATCH) if cut else []
        if not sealed:
            if (frame := next(framer.frames() if cut else one_by_one, None)) is None:
                return  # the rest of it is still to come
            kind, payload = frame
            if kind != MESSAGE and kind is not None:
                skipped(f"Ignored a frame of the unexpected type '{kind.decode('latin-1')}'.")
                yield (), len(payload), 1
                continue
            sealed = [payload]
        plaintexts = open_batch(cipher, sealed) if len(sealed) > 1 else None
        items = unpack_batch(messages, plaintexts) if plaintexts else None
        if items is not None:
            yield items, sum(map(len, sealed)), len(sealed)
        elif plaintexts:
            waiting += plaintexts[::-1]
            while waiting:
                plaintext = waiting.pop()
                yield messages.unpack(plaintext), len(plaintext) + cipher.overhead, 1
        else:
            waiting += sealed[::-1] if len(sealed) > 1 else sealed
            while waiting:
                payload = waiting.pop()
                try:
                    plaintext = cipher.open(payload)
                except Tampered as error:
                    if not cipher.tolerant:
                        raise
                    skipped(error.sentence)
                    yield (), len(payload), 1
                else:
                    yield messages.unpack(plaintext), len(payload), 1
        if not framer.unfinished:
            return


def open_batch(cipher: Cipher, sealed: Sequence[bytes]) -> list[bytes] | None:
    """Return the plaintexts; None if the cipher has no batch form, or one does not open: single calls then show which."""
    if offers(type(cipher), CipherBatch):
        with suppress(Exception):
            return cast(CipherBatch, cipher).open_batch(sealed)
    return None


def unpack_batch(messages: Messages, plaintexts: Sequence[bytes]) -> list[Item] | None:
    """Return all items in the plaintexts; None if the messages have no batch form, or a plaintext is not valid."""
    if offers(type(messages), MessagesBatch):
        with suppress(Exception):
            return cast(MessagesBatch, messages).unpack_batch(plaintexts)
    return None


# -- out ------------------------------------------------------------------------------------------------------------------


def encode_batch(framer: Framer, cipher: Cipher, plaintexts: Sequence[bytes]) -> list[bytes]:
    """Seal and frame each plaintext: one by one if a layer has no batch form, or if that would not be faster. Return the bytes to
    send, in pieces. If the first plaintext is LARGE, each header and each payload is a separate piece, to save a copy.
    """
    if len(plaintexts[0]) >= LARGE and offers(type(framer), HeadsBatch):
        sealed = [*map(cipher.seal, plaintexts)]
        heads = cast(HeadsBatch, framer).head_batch(MESSAGE, sealed)
        return [piece for frame in zip(heads, sealed, strict=True) for piece in frame]
    if len(plaintexts) < MANY or not (offers(type(cipher), CipherBatch) and offers(type(framer), FramerBatch)):
        encode, seal = framer.encode, cipher.seal
        return [encode(MESSAGE, seal(plaintext)) for plaintext in plaintexts]
    return cast(FramerBatch, framer).encode_batch(MESSAGE, cast(CipherBatch, cipher).seal_batch(plaintexts))


def send_pieces(stream: Stream, pieces: Sequence[bytes]) -> None:
    """Send the pieces as one write, joined only if the stream has no `send_batch`."""
    if offers(type(stream), SendsBatch):
        cast(SendsBatch, stream).send_batch(pieces)
    else:
        stream.send(b"".join(pieces))


@lru_cache(64)  # a look at a Protocol takes longer than sealing
def offers(layer: type, batch_form: Any) -> bool:
    """Whether a class has a batch form that matches its single form: a subclass may have overridden only the single form."""
    forms = [name for name in BATCH_FORMS if hasattr(batch_form, name)]
    return issubclass(layer, batch_form) and all(_definer(layer, name) <= _definer(layer, BATCH_FORMS[name]) for name in forms)


def _definer(layer: type, name: str) -> int:
    return next(number for number, owner in enumerate(layer.__mro__) if name in vars(owner))
