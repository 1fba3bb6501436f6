"""Watching a conversation at every layer's border.

Tracing is decided when the session is built: the methods of that session's own layers are wrapped, and without a trace nothing
is wrapped, looked up or asked. What is traced is what passes each border, including plaintext, and never a key.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from plytalk.core.layers import Cipher, Frame, Framer, Kind


@dataclass(frozen=True, slots=True)
class Event:
    """Something passed a border: at which layer, which way ("in" or "out"), what it is called, and its bytes."""

    layer: str
    way: str
    what: str
    data: bytes


Trace = Callable[[Event], None]


class Tracer:
    """Wraps the layers of one session so that `trace` hears of every event."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def wrap_framer(self, framer: Framer) -> None:
        encode, frames, trace = framer.encode, framer.frames, self._trace

        def traced_encode(kind: Kind, payload: bytes) -> bytes:
            frame = encode(kind, payload)
            trace(Event("framer", "out", kind.decode("latin-1"), frame))
            return frame

        def traced_frames() -> Iterator[Frame]:
            for kind, payload in frames():
                trace(Event("framer", "in", kind.decode("latin-1") if kind else "", payload))
                yield kind, payload

        framer.encode = traced_encode  # type: ignore[method-assign]
        framer.frames = traced_frames  # type: ignore[method-assign]

    def wrap_cipher(self, cipher: Cipher) -> None:
        seal, unseal, trace = cipher.seal, cipher.open, self._trace

        def traced_seal(plaintext: bytes) -> bytes:
            trace(Event("messages", "out", "plaintext", plaintext))
            sealed = seal(plaintext)
            trace(Event("cipher", "out", "sealed", sealed))
            return sealed

        def traced_open(sealed: bytes) -> bytes:
            trace(Event("cipher", "in", "sealed", sealed))
            plaintext = unseal(sealed)
            trace(Event("messages", "in", "plaintext", plaintext))
            return plaintext

        cipher.seal = traced_seal  # type: ignore[method-assign]
        cipher.open = traced_open  # type: ignore[method-assign]

    def ended(self, reason: str) -> None:
        self._trace(Event("session", "", "ended", reason.encode()))
