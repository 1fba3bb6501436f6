"""Framers cut a stream of bytes into frames."""

from abc import abstractmethod
from collections.abc import Iterator

from plytalk.core.contracts.layer import Buffer, Frame, FrameKind, Layer
from plytalk.core.contracts.limits import KIB


class Framer(Layer):
    """Cuts a stream of bytes into frames.

    class Length(HeaderFramer):
        name = "length"
        gives = {Property.BOUNDARIES}
        header = Struct(">I")

    Most framers put a header before each frame: derive from `HeaderFramer` and name the header.
    """

    kind = "framer"
    limit: int = 8 * KIB
    """The longest payload accepted, in bytes. The connection raises it after the handshake."""

    @abstractmethod
    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        """Return one frame, ready to send. `kind` is one byte; framers without types ignore it. Raises LocalError if the payload
        is too long.
        """

    @abstractmethod
    def feed(self, data: Buffer) -> None:
        """Take received bytes, in pieces of any size."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Yield the complete frames, one at a time; those not taken stay for the next call. Raises FrameTooLong as soon as a
        header announces too much, before anything is allocated, and BadFrame for bytes that are not a frame.
        """

    @property
    @abstractmethod
    def unfinished(self) -> int:
        """The number of bytes held here: of frames not taken yet, and of an incomplete one."""
