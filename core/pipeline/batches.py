"""A batch through the layers: by a layer's batch form where it has one, else by one call for each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import Tampered
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.optional import BATCH_FORMS, CipherBatch, FramerBatch, MessagesBatch
from plytalk.core.pipeline.handshake_io import MESSAGE

BATCH, BATCH_BYTES = 256, 64 * KIB
"""How many frames a batch has at most, and how many bytes unless it is a single one: a peer is charged once it is decoded."""


MANY = 8
"""From how many plaintexts on it pays to seal all and then to frame all: fewer are long lines, whose copies fill the cache."""
Batch = tuple[list[Item], int, int]
"""Items, and of how many sealed bytes and records."""


# -- in -------------------------------------------------------------------------------------------------------------------


def decode(
    framer: Framer, cipher: Cipher, messages: Messages, skipped: Callable[[str], None], unopened: list[bytes]
) -> Iterator[Batch]:
    """What the frames that have come say, batch by batch. A fault of one is raised, or told to `skipped`, in its place.

    `unopened` holds the frames of the batch that are still to be opened. A framer without a batch form gives one at a time.
    """
    in_batches = offers(type(framer), FramerBatch)
    one_by_one = iter(()) if in_batches else framer.frames()
    while True:
        unopened[:] = cast(FramerBatch, framer).cut_batch(MESSAGE, BATCH, BATCH_BYTES) if in_batches else ()
        if not unopened:
            if (frame := next(framer.frames() if in_batches else one_by_one, None)) is None:
                return  # the rest of it is still to come
            kind, payload = frame
            if kind != MESSAGE and kind is not None:
                skipped(f"Ignored a frame of the unexpected type '{kind.decode('latin-1')}'.")
                continue
            unopened.append(payload)
        while unopened:
            sealed = tuple(unopened)
            plaintexts, not_opened = open_sealed(cipher, sealed)
            items, not_read = unpack(messages, plaintexts)
            del unopened[: len(plaintexts) + 1]
            if plaintexts:
                yield items, sum(map(len, sealed[: len(plaintexts)])), len(plaintexts)
            if not_read:
                raise not_read
            if isinstance(not_opened, Tampered) and cipher.tolerant:
                skipped(not_opened.sentence)
            elif not_opened:
                raise not_opened
        if not framer.unfinished:
            return


def open_sealed(cipher: Cipher, sealed: Sequence[bytes]) -> tuple[list[bytes], Exception | None]:
    """The plaintexts of those before the first that does not open, and what was raised for that one."""
    if len(sealed) > 1 and offers(type(cipher), CipherBatch):
        with suppress(Exception):  # one by one it turns out which of them it was
            return cast(CipherBatch, cipher).open_batch(sealed), None
    plaintexts: list[bytes] = []
    try:
        for one in sealed:
            plaintexts.append(cipher.open(one))  # those before an error count
    except Exception as error:
        return plaintexts, error
    return plaintexts, None


def unpack(messages: Messages, plaintexts: Sequence[bytes]) -> tuple[list[Item], Exception | None]:
    """All that the plaintexts say, up to what says nothing sensible, and what was raised for that."""
    if len(plaintexts) > 1 and offers(type(messages), MessagesBatch):
        with suppress(Exception):
            return cast(MessagesBatch, messages).unpack_batch(plaintexts), None
    items: list[Item] = []
    try:
        for plaintext in plaintexts:
            items.extend(messages.unpack(plaintext))
    except Exception as error:
        return items, error
    return items, None


# -- out ------------------------------------------------------------------------------------------------------------------


def encode(framer: Framer, cipher: Cipher, plaintexts: Sequence[bytes]) -> Sequence[bytes]:
    """A frame for each plaintext, sealed."""
    if len(plaintexts) >= MANY and offers(type(cipher), CipherBatch) and offers(type(framer), FramerBatch):
        return cast(FramerBatch, framer).encode_batch(MESSAGE, cast(CipherBatch, cipher).seal_batch(plaintexts))
    return [framer.encode(MESSAGE, cipher.seal(plaintext)) for plaintext in plaintexts]


@lru_cache(64)  # a look at a Protocol takes longer than sealing
def offers(layer: type, batch_form: Any) -> bool:
    """Whether a class has a batch form that still does what its single form does: a subclass may have changed that one alone."""
    forms = [name for name in BATCH_FORMS if hasattr(batch_form, name)]
    return issubclass(layer, batch_form) and all(_definer(layer, name) <= _definer(layer, BATCH_FORMS[name]) for name in forms)


def _definer(layer: type, name: str) -> int:
    return next(number for number, owner in enumerate(layer.__mro__) if name in vars(owner))
