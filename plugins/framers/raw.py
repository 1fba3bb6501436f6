"""Bytes as they come: no boundaries at all."""

from collections.abc import Iterator

from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind
from plytalk.core.contracts.spans import PAYLOAD, Passed, Span
from plytalk.core.registry.hookspecs import hookimpl


class Raw(Framer):
    """No frames: each read of the stream counts as one message, however the network cut it."""

    name = "raw"
    prefers = {"handshake": "none", "cipher": "none", "messages": "trimmed"}

    def __init__(self) -> None:
        self._read = b""

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        return payload

    def feed(self, data: Buffer) -> None:
        self._read += bytes(data)

    def frames(self) -> Iterator[Frame]:
        if self._read:
            read, self._read = self._read, b""
            yield None, read

    def fields(self, message: Passed) -> Iterator[Span]:
        yield Span("payload", 0, len(message.data), made_of=PAYLOAD)

    @property
    def unfinished(self) -> int:
        return len(self._read)


@hookimpl
def layers() -> list[type[Raw]]:
    return [Raw]
