"""The frames of plyrelay/1 around a conversation, for a trace: a joiner's or an answer's first frame, and the relay's G.

Behind G there is nothing of the relay's own. What a holder says on its holding connection belongs to no conversation.
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
