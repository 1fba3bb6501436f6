"""Watching a conversation at every layer's boundary.

Tracing is decided when a connection is built: each of its layers is wrapped in one that tells what passes it, and does all else
as before. Without a trace nothing is wrapped, looked up or asked. What is traced is what passes each boundary, including
plaintext. Keys are traced only where the trace asks for them: a trace with an attribute `secrets` that is True.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.optional import BATCH_FORMS, frame_fields, plaintext_fields, step_fields, steps_of
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """Something passed a boundary: at which layer, which way ("in", "out", or "" for neither), what it is called, its bytes, what
    the layer itself says is in them, and when, in seconds of a clock that only goes forward.

    `group` tells conversations apart where a trace holds several: an attacker has one with each end.
    """

    layer: str
    way: str
    what: str
    data: bytes = b""
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)
    time: float = field(default_factory=time.monotonic, compare=False)
    group: str = ""


Trace = Callable[[TraceEvent], None]
Tell = Callable[..., None]
"""Takes what a `TraceEvent` holds, from `layer` to `fields`."""


class Tracer:
    """Wraps the layers of one connection so that `trace` hears of every event."""

    def __init__(self, trace: Trace, group: str = "") -> None:
        self._hears_keys = getattr(trace, "secrets", False) is True

        def tell(layer: str, way: str, what: str, data: bytes, fields: Mapping[str, str] = {}) -> None:
            trace(TraceEvent(layer, way, what, data, fields, group=group))

        self._tell = tell

    def tell(self, what: str, sentence: str = "", **fields: str) -> None:
        """Something that concerns the whole conversation: its start, a time limit, an error, its end."""
        self._tell("session", "", what, sentence.encode(errors="replace"), fields)

    def tell_key(self, name: str, key: bytes | bytearray) -> None:
        """A key that the conversation runs on, for a trace that asks for keys. Any other hears nothing."""
        if self._hears_keys:
            self._tell("keys", "", name, bytes(key))

    def tell_keys(self, secrets: SessionSecrets, role: Role) -> None:
        """The keys that a handshake has left as bytes. Those of cipher states it tells itself, by `NegotiatingIO.disclose`."""
        names = {role: secrets.send, role.other: secrets.receive}
        if secrets.send == secrets.receive:
            names = {role: secrets.send}
        for whose, key in names.items():
            if key:
                self.tell_key("session key" if len(names) == 1 else f"{whose.value} key", key)

    def tell_step(self, way: str, handshake: Handshake, kind: FrameKind, payload: bytes) -> None:
        """A message of the handshake, by its name and what the handshake itself can read in it."""
        name = steps_of(handshake).get(kind, kind.decode("latin-1"))
        self._tell("handshake", way, name, payload, step_fields(handshake, kind, payload))

    def tell_nameless_step(self, way: str, index: int, payload: bytes) -> None:
        """A message of the handshake, the `index`-th (from 0) of its sender, to one who cannot tell what it is."""
        self._tell("handshake", way, f"handshake message {index + 1}", payload)

    def wrap_stream(self, stream: Stream) -> Stream:
        return cast(Stream, TracedStream(stream, self._tell))

    def wrap_framer(self, framer: Framer) -> Framer:
        return cast(Framer, TracedFramer(framer, self._tell))

    def wrap_cipher(self, cipher: Cipher) -> Cipher:
        return cast(Cipher, TracedCipher(cipher, self._tell))

    def wrap_messages(self, messages: Messages) -> Messages:
        return cast(Messages, TracedMessages(messages, self._tell))

    def handshake_io(self, handshake: Handshake) -> Callable[..., FrameHandshakeIO]:
        """What to call in place of `FrameHandshakeIO`, for a handshake that is traced."""
        return partial(TracedHandshakeIO, self, handshake)


class Traced:
    """A layer and what tells of it: all that a subclass does not trace is the layer's, and is set there.

    The layer's batch forms are hidden, since what passes in a batch does not pass here: without them each item passes alone.
    """

    __slots__ = ("_layer", "_tell")
    _layer: Any
    _tell: Tell

    def __init__(self, layer: object, tell: Tell) -> None:
        object.__setattr__(self, "_layer", layer)
        object.__setattr__(self, "_tell", tell)

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
    """Tells each frame, with what the framer says is in it."""

    __slots__ = ()
    _layer: Framer

    def encode(self, kind: FrameKind, payload: bytes) -> bytes:
        frame = self._layer.encode(kind, payload)
        self._tell("framer", OUT, kind.decode("latin-1"), frame, frame_fields(self._layer, kind, payload))
        return frame

    def frames(self) -> Iterator[Frame]:
        for kind, payload in self._layer.frames():
            self._tell("framer", IN, kind.decode("latin-1") if kind else "", payload, frame_fields(self._layer, kind, payload))
            yield kind, payload


class TracedCipher(Traced):
    """Tells what is sealed."""

    __slots__ = ()
    _layer: Cipher

    def seal(self, plaintext: bytes) -> bytes:
        sealed = self._layer.seal(plaintext)
        self._tell("cipher", OUT, "sealed", sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        self._tell("cipher", IN, "sealed", sealed)
        return self._layer.open(sealed)


class TracedMessages(Traced):
    """Tells each plaintext, with what the messages say is in it."""

    __slots__ = ()
    _layer: Messages

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        plaintexts = list(self._layer.pack(items))
        for plaintext in plaintexts:
            self._tell_plaintext(OUT, plaintext)
        return plaintexts

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        self._tell_plaintext(IN, plaintext)
        return self._layer.unpack(plaintext)

    def _tell_plaintext(self, way: str, plaintext: bytes) -> None:
        self._tell("messages", way, "plaintext", plaintext, plaintext_fields(self._layer, plaintext))


class TracedHandshakeIO(FrameHandshakeIO):
    """Tells each message of the handshake, and the keys that it discloses."""

    def __init__(self, tracer: Tracer, handshake: Handshake, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tracer, self._handshake = tracer, handshake

    def disclose(self, name: str, key: bytes) -> None:
        self._tracer.tell_key(name, key)

    async def _send(self, kind: FrameKind, payload: bytes) -> None:
        self._tell_step(OUT, kind, payload)
        await super()._send(kind, payload)

    async def _receive(self, kind: FrameKind, limit: int) -> bytes:
        payload = await super()._receive(kind, limit)
        self._tell_step(IN, kind, payload)
        return payload

    def _tell_step(self, way: str, kind: FrameKind, payload: bytes) -> None:
        if kind != MESSAGE or kind in steps_of(self._handshake):  # after the handshake, authenticators talk here in records
            self._tracer.tell_step(way, self._handshake, kind, payload)
