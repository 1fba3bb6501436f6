"""Watching a conversation at every layer's boundary.

Tracing is decided when the session is built: the methods of that session's own layers are wrapped, and without a trace nothing
is wrapped, looked up or asked. What is traced is what passes each boundary, including plaintext. Keys are traced only where the
trace asks for them: a trace with an attribute `secrets` that is True.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Buffer, Frame, FrameKind
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.optional import frame_fields, plaintext_fields, step_fields, steps_of
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


class Tracer:
    """Wraps the layers of one session so that `trace` hears of every event."""

    def __init__(self, trace: Trace, group: str = "") -> None:
        self._hears_keys = getattr(trace, "secrets", False) is True

        def tell(layer: str, way: str, what: str, data: bytes, fields: Mapping[str, str] = {}) -> None:
            trace(TraceEvent(layer, way, what, data, fields, group=group))

        self._tell = tell
        self._wrapped: list[tuple[object, str, object]] = []

    def _wrap(self, layer: object, **methods: Callable[..., Any]) -> None:
        for name, method in methods.items():
            self._wrapped.append((layer, name, vars(layer).get(name)))
            setattr(layer, name, method)

    def unwrap(self) -> None:
        """Take off what was wrapped: a layer that holds its own wrapper method is a reference cycle."""
        while self._wrapped:
            layer, name, before = self._wrapped.pop()
            if before is None:
                delattr(layer, name)
            else:
                setattr(layer, name, before)

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

    def wrap_stream(self, stream: Stream) -> None:
        send, deliver_to, tell = stream.send, stream.deliver_to, self._tell

        def traced_send(data: bytes) -> None:
            tell("transport", OUT, "bytes", bytes(data))
            send(data)

        def traced_deliver_to(receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
            def traced_receive(data: Buffer) -> None:
                tell("transport", IN, "bytes", bytes(data))
                receive(data)

            def traced_end(error: Exception | None) -> None:
                tell("transport", IN, "end", str(error or "").encode())
                ended(error)

            deliver_to(traced_receive, traced_end)

        self._wrap(stream, send=traced_send, deliver_to=traced_deliver_to)

    def wrap_framer(self, framer: Framer) -> None:
        encode, frames, fields, tell = framer.encode, framer.frames, partial(frame_fields, framer), self._tell

        def traced_encode(kind: FrameKind, payload: bytes) -> bytes:
            frame = encode(kind, payload)
            tell("framer", OUT, kind.decode("latin-1"), frame, fields(kind, payload))
            return frame

        def traced_frames() -> Iterator[Frame]:
            for kind, payload in frames():
                tell("framer", IN, kind.decode("latin-1") if kind else "", payload, fields(kind, payload))
                yield kind, payload

        self._wrap(framer, encode=traced_encode, frames=traced_frames)

    def wrap_wire(self, io: FrameHandshakeIO, handshake: Handshake) -> None:
        send, receive = io._send, io._receive

        def step(way: str, kind: FrameKind, payload: bytes) -> None:
            if kind != MESSAGE or kind in steps_of(handshake):  # after the handshake, authenticators talk here in records
                self.tell_step(way, handshake, kind, payload)

        async def traced_send(kind: FrameKind, payload: bytes) -> None:
            step(OUT, kind, payload)
            await send(kind, payload)

        async def traced_receive(kind: FrameKind, limit: int) -> bytes:
            payload = await receive(kind, limit)
            step(IN, kind, payload)
            return payload

        self._wrap(io, _send=traced_send, _receive=traced_receive, disclose=self.tell_key)

    def wrap_cipher(self, cipher: Cipher) -> None:
        seal, unseal, tell = cipher.seal, cipher.open, self._tell

        def traced_seal(plaintext: bytes) -> bytes:
            sealed = seal(plaintext)
            tell("cipher", OUT, "sealed", sealed)
            return sealed

        def traced_open(sealed: bytes) -> bytes:
            tell("cipher", IN, "sealed", sealed)
            return unseal(sealed)

        self._wrap(cipher, seal=traced_seal, open=traced_open)

    def wrap_messages(self, messages: Messages) -> None:
        pack, unpack, tell = messages.pack, messages.unpack, self._tell

        def traced_pack(items: Sequence[Item]) -> Iterable[bytes]:
            plaintexts = list(pack(items))
            for plaintext in plaintexts:
                tell("messages", OUT, "plaintext", plaintext, plaintext_fields(messages, plaintext))
            return plaintexts

        def traced_unpack(plaintext: bytes) -> Iterable[Item]:
            tell("messages", IN, "plaintext", plaintext, plaintext_fields(messages, plaintext))
            return unpack(plaintext)

        self._wrap(messages, pack=traced_pack, unpack=traced_unpack)
