"""Framers: a stream of bytes cut into frames."""

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
    """The longest payload accepted, in bytes: raised by the session once the handshake is done."""

    @abstractmethod
    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        """One frame, ready to send. `kind` is one byte; framers without types drop it. Raises LocalError for what is too long."""

    @abstractmethod
    def feed(self, data: Buffer) -> None:
        """Take in bytes as they came, however they were cut."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """Give the complete frames, one at a time; one that is not taken stays for the next call.

        Raises FrameTooLong as soon as a header says so, before anything is allocated; BadFrame for what is not a frame.
        """

    @property
    @abstractmethod
    def unfinished(self) -> int:
        """How many bytes are held here: those of frames not taken yet, and of the beginning of the next one."""
