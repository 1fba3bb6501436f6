"""Watching a conversation at every layer's border.

Tracing is decided when the session is built: the methods of that session's own layers are wrapped, and without a trace nothing
is wrapped, looked up or asked. What is traced is what passes each border, including plaintext, and never a key.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plytalk.core.layers import Buffer, Cipher, Frame, Framer, Handshake, Kind, Messages, Stream
from plytalk.core.messages import Item
from plytalk.core.wire import Wire

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True)
class Event:
    """Something passed a border: at which layer, which way ("in", "out", or "" for neither), what it is called, its bytes, what
    the layer itself says is in them, and when, in seconds of a clock that only goes forward.
    """

    layer: str
    way: str
    what: str
    data: bytes = b""
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)
    time: float = field(default_factory=time.monotonic, compare=False)


Trace = Callable[[Event], None]


class Tracer:
    """Wraps the layers of one session so that `trace` hears of every event."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def tell(self, what: str, sentence: str = "", **fields: str) -> None:
        """Something that concerns the whole conversation: its start, a time limit, an error, its end."""
        self._trace(Event("session", "", what, sentence.encode(errors="replace"), fields))

    def wrap_stream(self, stream: Stream) -> None:
        send, deliver_to, trace = stream.send, stream.deliver_to, self._trace

        def traced_send(data: bytes) -> None:
            trace(Event("transport", OUT, "bytes", bytes(data)))
            send(data)

        def traced_deliver_to(receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
            def traced_receive(data: Buffer) -> None:
                trace(Event("transport", IN, "bytes", bytes(data)))
                receive(data)

            def traced_end(error: Exception | None) -> None:
                trace(Event("transport", IN, "end", str(error or "").encode()))
                ended(error)

            deliver_to(traced_receive, traced_end)

        stream.send = traced_send  # type: ignore[method-assign]
        stream.deliver_to = traced_deliver_to  # type: ignore[method-assign]

    def wrap_framer(self, framer: Framer) -> None:
        encode, frames, fields, trace = framer.encode, framer.frames, framer.fields, self._trace

        def traced_encode(kind: Kind, payload: bytes) -> bytes:
            frame = encode(kind, payload)
            trace(Event("framer", OUT, kind.decode("latin-1"), frame, fields(kind, payload)))
            return frame

        def traced_frames() -> Iterator[Frame]:
            for kind, payload in frames():
                trace(Event("framer", IN, kind.decode("latin-1") if kind else "", payload, fields(kind, payload)))
                yield kind, payload

        framer.encode = traced_encode  # type: ignore[method-assign]
        framer.frames = traced_frames  # type: ignore[method-assign]

    def wrap_wire(self, wire: Wire, handshake: Handshake) -> None:
        send, receive, trace = wire._send, wire._receive, self._trace

        def step(way: str, kind: Kind, payload: bytes) -> Event:
            return Event(
                "handshake", way, handshake.steps.get(kind, kind.decode("latin-1")), payload, handshake.fields(kind, payload)
            )

        async def traced_send(kind: Kind, payload: bytes) -> None:
            trace(step(OUT, kind, payload))
            await send(kind, payload)

        async def traced_receive(kind: Kind, limit: int) -> bytes:
            payload = await receive(kind, limit)
            trace(step(IN, kind, payload))
            return payload

        wire._send = traced_send  # type: ignore[method-assign]
        wire._receive = traced_receive  # type: ignore[method-assign]

    def wrap_cipher(self, cipher: Cipher) -> None:
        seal, unseal, trace = cipher.seal, cipher.open, self._trace

        def traced_seal(plaintext: bytes) -> bytes:
            sealed = seal(plaintext)
            trace(Event("cipher", OUT, "sealed", sealed))
            return sealed

        def traced_open(sealed: bytes) -> bytes:
            trace(Event("cipher", IN, "sealed", sealed))
            return unseal(sealed)

        cipher.seal = traced_seal  # type: ignore[method-assign]
        cipher.open = traced_open  # type: ignore[method-assign]

    def wrap_messages(self, messages: Messages) -> None:
        pack, unpack, trace = messages.pack, messages.unpack, self._trace

        def traced_pack(items: Sequence[Item]) -> Iterable[bytes]:
            plaintexts = list(pack(items))
            for plaintext in plaintexts:
                trace(Event("messages", OUT, "plaintext", plaintext, messages.fields(plaintext)))
            return plaintexts

        def traced_unpack(plaintext: bytes) -> Iterable[Item]:
            trace(Event("messages", IN, "plaintext", plaintext, messages.fields(plaintext)))
            return unpack(plaintext)

        messages.pack = traced_pack  # type: ignore[method-assign]
        messages.unpack = traced_unpack  # type: ignore[method-assign]
