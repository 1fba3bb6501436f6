"""Faster forms of a layer's methods, which a layer may offer: for many frames of a conversation, or for many conversations."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Failed, FrameKind
from plytalk.core.contracts.limits import KIB

LARGE = 16 * KIB
"""From this many bytes on, it is faster to leave pieces apart than to join them."""

# -- many frames of one conversation ----------------------------------------------------------------------------------------
#
# A batch form returns what single calls would return, in order. If one of these would raise, it raises and has changed nothing;
# single calls then follow. It is called with two items or more; `head_batch` and `send_batch` also with one.


@runtime_checkable
class CipherBatch(Protocol):
    """A cipher that seals and opens many in a faster loop than one call for each."""

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        """`seal` for each."""

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        """`open` for each."""


@runtime_checkable
class FramerBatch(Protocol):
    """A framer that encodes and cuts many frames at once."""

    def encode_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        """`encode` for each."""

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        """Take the payloads of the next complete frames of one kind: at least one, at most `most`. Raises what `frames` would
        raise, unless frames come before the fault; then the next call raises it.
        """


@runtime_checkable
class MessagesBatch(Protocol):
    """Messages that read many plaintexts at once."""

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        """Return the items that `unpack` gives for each, in one list."""


@runtime_checkable
class HeadsBatch(Protocol):
    """A framer that puts a few bytes before each payload and leaves the payload as it is: large ones need no copy then."""

    def head_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        """Return what `encode` puts before each of these payloads."""


@runtime_checkable
class SendsBatch(Protocol):
    """A stream that sends many pieces as one, without joining them."""

    def send_batch(self, pieces: Sequence[bytes]) -> None:
        """Send the pieces in order, as one call of `send` with all of them joined would."""


# -- the same for many conversations ----------------------------------------------------------------------------------------


@runtime_checkable
class SealsEach(Protocol):
    """A cipher that seals one plaintext for many conversations in a faster loop than one call for each."""

    @staticmethod
    def seal_each(ciphers: Sequence[Any], plaintext: bytes, failed: Failed) -> list[bytes]:
        """Call `seal` for each of many ciphers of this class. For one that raises, the result is empty, and `failed` gets its
        number and the exception.
        """


@runtime_checkable
class EncodesEach(Protocol):
    """A framer that encodes a payload for each of many conversations in a faster loop than one call for each."""

    @staticmethod
    def encode_each(framers: Sequence[Any], kind: FrameKind, payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
        """Call `encode` for each of many framers of this class: see `SealsEach`."""


@runtime_checkable
class SendsEach(Protocol):
    """A stream that sends over many streams in a faster loop than one call for each."""

    @staticmethod
    def send_each(streams: Sequence[Any], pieces: Sequence[bytes], failed: Failed) -> list[int]:
        """Call `send` for each of many streams of this class: see `SealsEach`. Return the numbers of those that are full."""


BATCH_FORMS = {
    "seal_batch": "seal", "open_batch": "open", "encode_batch": "encode", "cut_batch": "frames", "unpack_batch": "unpack",
    "head_batch": "encode", "send_batch": "send",
    "seal_each": "seal", "encode_each": "encode", "send_each": "send",
}  # fmt: skip
"""The batch forms, and the method that each of them replaces. A traced layer has none of them, so each call is traced."""
