"""Frames with a header: the loop that every length-prefixed framer shares.

A framer names its header's `Struct`; the length is its last field, and the type, where there is one, its first (one byte).
"""

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import ClassVar

from plytalk.core.contracts.errors import FrameTooLong, LocalError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Buffer, Failed, Frame, FrameKind, attempt
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.spans import PAYLOAD, Passed, Reader, Span, shown

UNBOUNDED = 2**32 - 1
"""The largest length that a 4-byte header can hold, which is more than is ever sent at once."""
LARGE = 4 * KIB
"""Frames of at least this many bytes are taken one by one. Smaller ones usually come together, and the buffer is copied once for
all of them.
"""


class HeaderFramer(Framer):
    """Each frame is a header and as many bytes of payload as it says."""

    header: ClassVar[Struct]
    typed: ClassVar[bool] = False
    longest: ClassVar[int] = UNBOUNDED
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
        head = framers[0].encode(kind, payloads[0])[: framers[0].header.size]  # all of one length, so all with the same header
        return [head + payload for payload in payloads]

    def encode_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        if self._is_one_too_long(payloads):
            return [self.encode(kind, payload) for payload in payloads]
        pack = self._pack
        if self.typed:
            return [pack(kind, len(payload)) + payload for payload in payloads]
        return [pack(len(payload)) + payload for payload in payloads]

    def _is_one_too_long(self, payloads: Sequence[bytes]) -> bool:
        return self.longest < UNBOUNDED and max(map(len, payloads), default=0) > self.longest

    def head_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        if self._is_one_too_long(payloads):
            return [self.encode(kind, payload)[: self.header.size] for payload in payloads]
        pack = self._pack
        return [pack(kind, len(payload)) if self.typed else pack(len(payload)) for payload in payloads]

    def feed(self, data: Buffer) -> None:
        self._buffer += data

    def frames(self) -> Iterator[Frame]:
        while len(self._buffer) >= self.header.size:
            kind = bytes(self._buffer[:1]) if self.typed else None
            if not (payloads := self.cut_batch(kind or b"", 1)):
                return
            yield kind, payloads[0]

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        buffer, head, typed, limit, unpack = self._buffer, self.header.size, self.typed, self.limit, self.header.unpack_from
        if (come := len(buffer)) < head:
            return []
        if typed:
            got, length = unpack(buffer)
            if got != kind:
                return []
        else:
            (length,) = unpack(buffer)
        if length > limit:
            raise FrameTooLong(f"The other side announced a frame of {length:,} bytes; at most {limit:,} are accepted here.")
        if (end := head + length) > come:
            return []
        if length > LARGE or most == 1:
            payloads = [bytes(memoryview(buffer)[head:end])]
        elif end == come:  # a single frame, as when people type
            payloads = [bytes(buffer)[head:]]
        else:
            data = bytes(buffer)  # one copy of what was received, then slices of it
            payloads = [data[head:end]]
            short = min(limit, LARGE)
            for _ in range(most - 1):
                if (body := end + head) > come:
                    break
                if typed:
                    got, length = unpack(data, end)
                    if got != kind:
                        break
                else:
                    (length,) = unpack(data, end)
                if length > short or (stop := body + length) > come:
                    break
                payloads.append(data[body:stop])
                end = stop
        del buffer[:end]  # an idle peer must not hold as much memory as its longest frame took
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
