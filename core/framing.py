"""Frames with a header: the loop that every length-prefixed framer shares.

A framer names its header's `Struct`; the length is its last field, and the type, where there is one, its first (one byte).
"""

from collections.abc import Iterator
from struct import Struct
from typing import ClassVar

from plytalk.core.errors import FrameTooLong, LocalError
from plytalk.core.layers import Buffer, Frame, Framer, Kind


class HeaderFramer(Framer):
    """Each frame is a header and that many bytes of payload."""

    header: ClassVar[Struct]
    typed: ClassVar[bool] = False
    longest: ClassVar[int] = 2**32 - 1

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0

    def encode(self, kind: Kind, payload: bytes) -> bytes:
        if len(payload) > self.longest:
            raise LocalError(
                f"A frame of {len(payload):,} bytes is longer than the framer `{self.name}` can carry ({self.longest:,})."
            )
        return (self.header.pack(kind, len(payload)) if self.typed else self.header.pack(len(payload))) + payload

    def feed(self, data: Buffer) -> None:
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def frames(self) -> Iterator[Frame]:
        # One copy of what has come, then slices of it: the bytearray itself is only ever cut at its front (in `feed`).
        buffer, header, typed = self._buffer, self.header.unpack_from, self.typed
        start, size, head, data = self._at, len(buffer), self.header.size, None
        while size - start >= head:
            fields = header(buffer, start)
            end = start + head + fields[-1]
            if fields[-1] > self.limit:
                raise FrameTooLong(
                    f"The other side announced a frame of {fields[-1]:,} bytes; at most {self.limit:,} are accepted here."
                )
            if end > size:
                return
            if data is None:
                data = bytes(buffer)
            self._at = end
            yield (fields[0] if typed else None), data[start + head : end]
            start = end

    @property
    def unfinished(self) -> int:
        return len(self._buffer) - self._at
