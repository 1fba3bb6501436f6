"""Messages that are UTF-8 text and nothing else, as in the existing chats."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from plytalk.core.contracts.items import EXIT_SPACE, Close, Item, Undecodable, is_exit
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.spans import SAID, TEXT, Passed, Reader, Span


class TextMessages(Messages):
    """Each plaintext is one text, and `exit` is the goodbye. In a stack without boundaries a character may be split between two
    plaintexts.
    """

    def __init__(self, boundaries: bool, **options: Any) -> None:
        super().__init__(boundaries)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        try:
            return [(item if item.__class__ is str else item.text).encode() for item in items]  # type: ignore[union-attr]
        except UnicodeEncodeError:  # half a surrogate pair, which a terminal can send
            return [(item if item.__class__ is str else item.text).encode(errors="replace") for item in items]  # type: ignore[union-attr]

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        try:
            text = plaintext.decode() if self.boundaries else self._decoder.decode(plaintext)
        except UnicodeDecodeError:
            return (Undecodable(plaintext.decode(errors="replace")),)
        if len(text) < EXIT_SPACE and is_exit(text):
            return (Close(text),)
        return (text,) if text or self.boundaries else ()

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        if not self.boundaries:
            return [item for plaintext in plaintexts for item in self.unpack(plaintext)]
        return [
            Close(text) if len(text := plaintext.decode()) < EXIT_SPACE and is_exit(text) else text for plaintext in plaintexts
        ]

    def fields(self, message: Passed) -> Iterator[Span]:
        yield Reader(message.data).text(TEXT, len(message.data), made_of=SAID)
