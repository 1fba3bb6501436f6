"""Frames with a header: the loop that every length-prefixed framer shares.

A framer names its header's `Struct`; the length is its last field, and the type, where there is one, its first (one byte).
"""

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import ClassVar

from plytalk.core.contracts.errors import FrameTooLong, LocalError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Buffer, Failed, Frame, FrameKind, attempt
from plytalk.core.contracts.spans import PAYLOAD, Passed, Reader, Span, shown

LARGE = 4096
"""From how many bytes on a frame is copied by itself; of smaller ones there are many in what has come, which is copied once."""


class HeaderFramer(Framer):
    """Each frame is a header and that many bytes of payload."""

    header: ClassVar[Struct]
    typed: ClassVar[bool] = False
    longest: ClassVar[int] = 2**32 - 1
    _pack: ClassVar[Callable[..., bytes]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "header"):
            cls._pack = cls.header.pack

    def __init__(self) -> None:
        self._buffer = bytearray()

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        size = len(payload)
        if size > self.longest:
            raise LocalError(f"A frame of {size:,} bytes is longer than the framer `{self.name}` can carry ({self.longest:,}).")
        return (self._pack(kind, size) if self.typed else self._pack(size)) + payload

    @staticmethod
    def encode_each(framers: "Sequence[HeaderFramer]", kind: FrameKind, payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
        if len(set(map(len, payloads))) != 1:
            pairs = enumerate(zip(framers, payloads, strict=True))
            return [attempt(number, failed, framer.encode, kind, payload) or b"" for number, (framer, payload) in pairs]
        head = framers[0].encode(kind, payloads[0])[: framers[0].header.size]  # of all the same length, so of all the same header
        return [head + payload for payload in payloads]

    def encode_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        if max(map(len, payloads), default=0) > self.longest:
            return [self.encode(kind, payload) for payload in payloads]
        pack = self._pack
        if self.typed:
            return [pack(kind, len(payload)) + payload for payload in payloads]
        return [pack(len(payload)) + payload for payload in payloads]

    def feed(self, data: Buffer) -> None:
        self._buffer += data

    def frames(self) -> Iterator[Frame]:
        while len(self._buffer) >= self.header.size:
            kind = bytes(self._buffer[:1]) if self.typed else None
            if not (payloads := self.cut_batch(kind or b"", 1, 0)):
                return
            yield kind, payloads[0]

    def cut_batch(self, kind: FrameKind, most: int, size: int) -> list[bytes]:
        # One copy of what has come, then slices of it: the bytearray itself is only ever cut at its front.
        buffer, unpack, typed, limit = self._buffer, self.header.unpack_from, self.typed, self.limit
        start, come, head, data = 0, len(buffer), self.header.size, b""
        stop, payloads = min(come, size), list[bytes]()
        add = payloads.append
        for _ in range(most):
            if (body := start + head) > come:
                break
            if typed:
                got, length = unpack(buffer, start)
                if got != kind:
                    break
            else:
                (length,) = unpack(buffer, start)
            if length > limit:
                if payloads:
                    break
                raise FrameTooLong(f"The other side announced a frame of {length:,} bytes; at most {limit:,} are accepted here.")
            if (end := body + length) > stop and (payloads or end > come):
                break
            if length > LARGE or most == 1:
                add(bytes(memoryview(buffer)[body:end]))
            else:
                data = data or bytes(buffer)
                add(data[body:end])
            start = end
        del buffer[:start]  # a peer at rest must not keep the memory of its longest frame
        return payloads

    def fields(self, message: Passed) -> Iterator[Span]:
        frame = Reader(message.data)
        if self.typed:
            yield frame.take("type", 1, shown(message.data[:1]), "which message of the layer above this is")
        length = self.header.unpack_from(message.data)[-1]
        yield frame.take("length", self.header.size - self.typed, f"{length}", "how many bytes the payload has")
        yield frame.rest("payload", made_of=PAYLOAD)

    @property
    def unfinished(self) -> int:
        return len(self._buffer)
