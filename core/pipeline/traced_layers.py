"""Wrappers of a connection's layers, which report what passes and delegate everything else."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from plytalk.core.contracts.batch_methods import BATCH_FORMS
from plytalk.core.contracts.blame import BYTES
from plytalk.core.contracts.checked_calls import checked
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.spans import Inside, Passed, describe, without_files
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import IN, OUT

Tell = Callable[..., None]
"""Takes what a `TraceEvent` holds: `layer`, `way`, `what`, `data`, and then `spans`."""


class Traced:
    """Wraps a layer: every attribute that a subclass does not trace is read from the layer, and set there.

    The layer's batch forms are hidden, since what passes in a batch does not pass here: without them each item passes alone.
    """

    __slots__ = ("_layer", "_state", "_tell")
    _layer: Any
    _tell: Tell
    _state: Any

    def __init__(self, layer: object, tell: Tell, state: object = None) -> None:
        """`state` is what a subclass needs besides."""
        for name, value in (("_layer", layer), ("_tell", tell), ("_state", state)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in BATCH_FORMS:
            raise AttributeError(name)
        return getattr(self._layer, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._layer, name, value)


class TracedStream(Traced):
    """Tells what is sent, what arrives, and the end."""

    __slots__ = ()
    _layer: Stream

    def send(self, data: bytes) -> None:
        self._tell("transport", OUT, "bytes", bytes(data))
        self._layer.send(data)

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        tell = self._tell

        def traced_receive(data: Buffer) -> None:
            tell("transport", IN, "bytes", bytes(data))
            receive(data)

        def traced_end(error: Exception | None) -> None:
            tell("transport", IN, "end", str(error or "").encode())
            ended(error)

        self._layer.deliver_to(traced_receive, traced_end)


class TracedFramer(Traced):
    """Tells each frame, whole."""

    __slots__ = ()
    _layer: Framer
    _state: bytearray

    def __init__(self, layer: Framer, tell: Tell) -> None:
        super().__init__(layer, tell, bytearray())  # what has come and is in no frame yet

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        frame: bytes = checked(self._layer, "encode", BYTES, kind, payload)
        self._tell_frame(OUT, kind, frame)
        return frame

    def feed(self, data: Buffer) -> None:
        self._state.extend(data)
        self._layer.feed(data)

    def frames(self) -> Iterator[Frame]:
        for kind, payload in self._layer.frames():
            size = len(self._state) - self._layer.unfinished
            frame = bytes(self._state[:size])
            del self._state[:size]
            self._tell_frame(IN, kind or b"", frame)
            yield kind, payload

    def _tell_frame(self, way: str, kind: FrameKind, frame: bytes) -> None:
        self._tell("framer", way, kind.decode("latin-1"), frame, describe(self._layer, Passed(frame, kind)))


class TracedCipher(Traced):
    """Tells what is sealed."""

    __slots__ = ()
    _layer: Cipher
    _state: tuple[Callable[[bytes], None], Counter[str]]

    def __init__(self, layer: Cipher, tell: Tell, sealing: Callable[[bytes], None]) -> None:
        """`sealing` is told each plaintext."""
        super().__init__(layer, tell, (sealing, Counter()))  # and how many have passed each way

    def seal(self, plaintext: bytes) -> bytes:
        self._state[0](plaintext)
        sealed: bytes = checked(self._layer, "seal", BYTES, plaintext)
        self._tell_sealed(OUT, sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        self._tell_sealed(IN, sealed)
        opened: bytes = checked(self._layer, "open", BYTES, sealed)
        return opened

    def _tell_sealed(self, way: str, sealed: bytes) -> None:
        _, passed = self._state
        self._tell("cipher", way, "sealed", sealed, describe(self._layer, Passed(sealed, number=passed[way])))
        passed[way] += 1


class TracedMessages(Traced):
    """Tells each plaintext; with `hides_files` without what is in it of files."""

    __slots__ = ()
    _layer: Messages
    _state: tuple[Inside, list[bytes], dict[str, tuple[int, bytes]], bool]

    def __init__(self, layer: Messages, tell: Tell, inside: Inside, hides_files: bool = False) -> None:
        # What was told and is to be sealed; and each way how many have passed, and the last.
        super().__init__(layer, tell, (inside, [], {}, hides_files))

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        plaintexts = list(self._layer.pack(items))
        for plaintext in plaintexts:
            self.tell_plaintext(OUT, plaintext)
        self._state[1].extend(plaintexts)
        return plaintexts

    def about_to_seal(self, plaintext: bytes) -> None:
        """Tell a plaintext that was packed once for many conversations, and so did not pass here."""
        packed = self._state[1]
        if plaintext in packed:
            packed.remove(plaintext)
        else:
            self.tell_plaintext(OUT, plaintext)

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        self.tell_plaintext(IN, plaintext)
        return self._layer.unpack(plaintext)

    def tell_plaintext(self, way: str, plaintext: bytes) -> None:
        inside, _, passed, hides_files = self._state
        number, last = passed.get(way, (0, b""))
        message = Passed(plaintext, number=number, before=(last,) if number else (), inside=inside)
        passed[way] = number + 1, plaintext
        spans = describe(self._layer, message)
        if hides_files:
            plaintext, spans = without_files(plaintext, spans)
        self._tell("messages", way, "plaintext", plaintext, spans)
