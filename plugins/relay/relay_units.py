"""The frames of plyrelay/1 for a trace: those around a conversation, and those of the connection that holds a name.

Around a conversation they are a joiner's or an answer's first frame, and the relay's G, behind which nothing is the relay's own.
"""

from collections.abc import Iterator

from plytalk.core.contracts.spans import Reader, Span
from plytalk.core.contracts.wire import OUT, CutWire, WireUnit
from plytalk.plugins.relay import relay_frames as wire
from plytalk.plugins.relay.relay_frames import FrameCutter, frame


def cut_frames(way: str) -> CutWire:
    """What cuts one direction of a joiner's connection, or of a holder's answer: a frame, and then raw bytes."""
    cutter, over = FrameCutter(), False

    def cut(data: bytes) -> Iterator[WireUnit]:
        nonlocal over
        if over:
            return
        cutter.feed(data)
        for payload in cutter.frames():
            over = True
            yield first_unit(payload) if way == OUT else answer_unit(payload)
            return

    return cut


def first_unit(payload: bytes) -> WireUnit:
    """The first frame: who is asked for, or which joiner is answered."""
    kind = payload[len(wire.MAGIC) :][:1]
    reader = Reader(frame(payload))
    spans = [_length(reader), reader.text("magic", len(wire.MAGIC)), reader.text("kind", 1)]
    if kind == wire.JOIN:
        spans.append(reader.text("name that is asked for", reader.left))
        return _unit("join", reader, spans)
    spans.append(reader.rest("ticket", made_of="random bytes that the relay told the holder"))
    return _unit("answer", reader, spans)


def answer_unit(payload: bytes) -> WireUnit:
    """What the relay says to that: from here on it passes on raw bytes."""
    reader = Reader(frame(payload))
    return _unit("go", reader, [_length(reader), reader.text("kind", 1), reader.rest("rest")])


def _length(reader: Reader) -> Span:
    return reader.number("length", wire.HEADER.format)[0]


def _unit(what: str, reader: Reader, spans: list[Span]) -> WireUnit:
    return WireUnit(f"plyrelay/1 {what}", reader.data, [span for span in spans if span.size])


HELD = {
    wire.CHALLENGE: "challenge", wire.SIGNED: "proof", wire.OPENED: "name", wire.KNOCK: "knock", wire.PING: "ping", wire.NO: "no",
}  # fmt: skip


def cut_held() -> CutWire:
    """What cuts one direction of the connection that holds a name: frames, from first to last."""
    cutter = FrameCutter()

    def cut(data: bytes) -> Iterator[WireUnit]:
        cutter.feed(data)
        for payload in cutter.frames():
            yield held_unit(payload)

    return cut


def held_unit(payload: bytes) -> WireUnit:
    """A frame of the connection that holds a name."""
    reader = Reader(frame(payload))
    spans = [_length(reader)]
    if payload.startswith(wire.MAGIC):
        spans += [reader.text("magic", len(wire.MAGIC)), reader.text("kind", 1)]
        spans.append(
            reader.rest("public key") if reader.left == wire.KEY else reader.text("number that is asked for again", reader.left)
        )
        return _unit("hold", reader, spans)
    kind = payload[:1]
    spans += [reader.text("kind", 1), *_held_parts(kind, reader)]
    return _unit(HELD.get(kind, "frame"), reader, [*spans, reader.rest("rest")])


def _held_parts(kind: bytes, reader: Reader) -> Iterator[Span]:
    if kind == wire.CHALLENGE:
        yield reader.take("nonce", wire.NONCE, made_of="random bytes of the relay")
    elif kind == wire.SIGNED:
        yield reader.take("public key", wire.KEY)
        yield reader.take("signature", wire.SIGNATURE, made_of="the relay's host, the nonce and the public key or number")
    elif kind == wire.OPENED:
        yield reader.text("name that is held", reader.left)
    elif kind == wire.KNOCK:
        yield reader.take("ticket", wire.TICKET, made_of="random bytes of the relay")
        yield reader.take("source", wire.SOURCE, made_of="the name and the joiner's address, by a secret of the relay")
    elif kind == wire.NO:
        yield reader.number("reason", ">B")[0]
