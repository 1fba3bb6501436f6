"""`check_framer` accepts what keeps the contract, and names what breaks it."""

from collections.abc import Iterator
from struct import Struct

import pytest

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.errors import BadFrame, FrameTooLong
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind
from plytalk.core.contracts.properties import Property
from plytalk.testing import PlainFrames, TypedFrames, check_framer


class Lines(Framer):
    """Frames that end with a newline, in hexadecimal: no header at all."""

    name = "lines"
    gives = {Property.BOUNDARIES}

    def __init__(self) -> None:
        self._held = b""

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        return kind + payload.hex().encode() + b"\n"

    def feed(self, data: Buffer) -> None:
        self._held += bytes(data)

    def frames(self) -> Iterator[Frame]:
        while b"\n" in self._held:
            line, _, self._held = self._held.partition(b"\n")
            if len(line) > 2 * self.limit + 1:
                raise FrameTooLong
            yield line[:1], self.read(line[1:])
        if len(self._held) > 2 * self.limit + 1:
            raise FrameTooLong

    def read(self, line: bytes) -> bytes:
        try:
            return bytes.fromhex(line.decode())
        except ValueError:
            raise BadFrame from None

    @property
    def unfinished(self) -> int:
        return len(self._held)


@pytest.mark.parametrize("make", [TypedFrames, PlainFrames, Lines])
def test_a_framer_that_keeps_its_contract_passes(make: type[Framer]) -> None:
    check_framer(make)


class KeepsTheView(TypedFrames):
    """Keeps a view of a buffer that is not its own."""

    _views: list[Buffer] = []

    def feed(self, data: Buffer) -> None:
        self._views = [*self._views, data]

    def frames(self) -> Iterator[Frame]:
        for view in self._views:
            super().feed(bytes(view))
        self._views = []
        yield from super().frames()


class SharesItsBuffer(TypedFrames):
    """Keeps the buffer on the class."""

    shared = bytearray()

    def __init__(self) -> None:
        super().__init__()
        self._buffer = self.shared


class CutsAllAtOnce(TypedFrames):
    """Cuts all frames when the first is asked for."""

    def frames(self) -> Iterator[Frame]:
        return iter(list(super().frames()))


class GivesTwice(TypedFrames):
    """Moves on only behind the yield."""

    def frames(self) -> Iterator[Frame]:
        while True:
            before = bytes(self._buffer)
            if (frame := next(super().frames(), None)) is None:
                return
            after, self._buffer = self._buffer, bytearray(before)
            yield frame
            self._buffer = after


class ReadsAnything(TypedFrames):
    """Has no limit."""

    def frames(self) -> Iterator[Frame]:
        self.limit = 2**32
        return super().frames()


class RefusesLate(TypedFrames):
    """Reads a frame before it refuses it."""

    def frames(self) -> Iterator[Frame]:
        limit, self.limit = self.limit, 2**32
        for kind, payload in super().frames():
            if len(payload) > limit:
                raise FrameTooLong
            yield kind, payload
        self.limit = limit


class RefusesTheLongest(TypedFrames):
    """Off by one."""

    def frames(self) -> Iterator[Frame]:
        self.limit -= 1
        try:
            yield from super().frames()
        finally:
            self.limit += 1


class CountsNothing(TypedFrames):
    """Says that nothing waits."""

    unfinished = 0  # type: ignore[assignment]


class CountsWhatIsGone(TypedFrames):
    """Never gets back to zero."""

    def __init__(self) -> None:
        super().__init__()
        self._fed = 0

    def feed(self, data: Buffer) -> None:
        super().feed(data)
        self._fed += len(data)

    @property
    def unfinished(self) -> int:
        return self._fed


class LosesTheHighBits(HeaderFramer):
    """Cuts a length that does not fit."""

    name = "u16"
    gives = {Property.BOUNDARIES}
    header = Struct(">H")

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        return self.header.pack(len(payload) % 65536) + payload


class CannotCarryAndSaysItBadly(HeaderFramer):
    """Lets struct.error out."""

    name = "u16"
    gives = {Property.BOUNDARIES}
    header = Struct(">H")


class MixesUpKinds(TypedFrames):
    """Every frame is an M."""

    def frames(self) -> Iterator[Frame]:
        return ((b"M", payload) for _, payload in super().frames())


class GivesViews(TypedFrames):
    """Gives what is not bytes."""

    def frames(self) -> Iterator[Frame]:
        return ((kind, bytearray(payload)) for kind, payload in super().frames())  # type: ignore[misc]


class Chokes(Lines):
    """Lets ValueError out."""

    def read(self, line: bytes) -> bytes:
        return bytes.fromhex(line.decode())


class ClaimsNoBorders(TypedFrames):
    """Has a header and does not claim boundaries."""

    gives = frozenset()


class Nameless(TypedFrames):
    """Has no name."""

    name = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (KeepsTheView, "copy what it keeps"),
        (SharesItsBuffer, "made in `__init__`"),
        (CutsAllAtOnce, "that was not taken is lost"),
        (GivesTwice, "the same frame twice"),
        (ReadsAnything, "is accepted: raise FrameTooLong by byte 5"),
        (RefusesLate, "is refused late: raise FrameTooLong by byte 5"),
        (RefusesTheLongest, "exactly `limit` bytes is refused"),
        (CountsNothing, "`unfinished` is 0 while bytes wait"),
        (CountsWhatIsGone, "`unfinished` is not 0 when all frames were taken"),
        (LosesTheHighBits, "does not come back as it was"),
        (CannotCarryAndSaysItBadly, "raise LocalError where a frame cannot be that long"),
        (MixesUpKinds, "other kinds"),
        (GivesViews, "not `bytes`"),
        (Chokes, "Raise BadFrame"),
        (ClaimsNoBorders, "raises FrameTooLong"),
        (Nameless, "has no name"),
    ],
)
def test_a_weakened_framer_fails_in_words(make: type[Framer], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_framer(make)
