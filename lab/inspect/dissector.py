"""A dissector for Wireshark, made from the spans of one trace, and the key log that it reads.

Frames, handshakes and ciphertexts it dissects itself, by their shapes. It does not decrypt: the key log has the plaintexts, by
frame, with what their bytes are. What has no shape, such as the frames of a framer without lengths, is in the key log too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import ascii_letters, digits

from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import IN, OUT, TraceEvent
from plytalk.lab.inspect.capture import Flow
from plytalk.lab.inspect.frames import InspectedFrame
from plytalk.lab.inspect.shapes import FrameLength, Part, common_shape, length_in, one_shape, spans_of

TEMPLATE = Path(__file__).with_name("dissector.lua")
HEAD = """# What the dissector plytalk.lua cannot read off the bytes of conversation.pcapng: plaintexts, and what no shape fits.
# conversation STREAM PORT ROLE | key STREAM NAME HEX | frame STREAM WAY NUMBER NAME SIZE
# layer NAME OFFSET HEX, of the frame above: where it is in it or, decrypted, its bytes | span START SIZE NAME VALUE MADE-OF
"""
PLAIN = frozenset(f" _.,:-+/{ascii_letters}{digits}".encode())
MOST_NAMES = 2000
LONGEST = 200
"""Characters of a name or a value: a label of Wireshark's holds no more."""
PLUGINS = ("framer", "handshake", "cipher", "messages")
OTHER = "other"


class _Names:
    """Each name of a part once, by a number from 1 on."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, layer: str, name: str) -> int:
        key = layer, label(name)
        if key not in self._numbers and len(self._numbers) >= MOST_NAMES:
            key = layer, OTHER
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def lua(self) -> Iterator[str]:
        for layer, name in self._numbers:
            yield f"  {{ {quoted(layer)}, {quoted(field(layer, name))}, {quoted(name)} }},"


def label(name: str) -> str:
    """What a part is called; without a name it says so."""
    return clean(name)[:LONGEST] or "not described"


def field(layer: str, name: str) -> str:
    """The name by which a display filter finds a part; the number of an item is left out."""
    words = re.sub(r"^\d+ ", "", name).split(": ")
    return ".".join(["plytalk", layer, *(re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") or "part" for word in words)])


def quoted(text: str) -> str:
    """A string of Lua."""
    plain = (chr(byte) if byte in PLAIN else f"\\{byte:03}" for byte in text.encode(errors="replace"))
    return f'"{"".join(plain)}"'


def escaped(text: str) -> str:
    """A cell of the key log."""
    return re.sub(r"[\\\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", clean(text)[:LONGEST])


class _Way:
    """What one side of a conversation sent: the shapes that all its frames have."""

    def __init__(self, frames: Sequence[InspectedFrame], names: _Names) -> None:
        self.frames, self._names = frames, names
        whole = [frame.layers[-1] for frame in frames]
        framed = bool(whole) and all(event.layer == "framer" for event in whole)
        self.framer = common_shape(whole) if framed else None
        self.length: FrameLength | None = length_in(self.framer, whole) if self.framer else None
        sealed = [(layer, frame) for frame in frames for layer in frame.layers if layer.layer == "cipher"]
        fits = bool(self.framer) and all(self._payload(frame.layers[-1]) == layer.data for layer, frame in sealed)
        self.cipher = common_shape([layer for layer, _ in sealed]) if fits else None

    def _payload(self, frame: TraceEvent) -> bytes:
        """The part of a frame that takes all that the others leave."""
        assert self.framer is not None
        rest = next((span for span, part in zip(spans_of(frame), self.framer, strict=True) if not part.size), None)
        return frame.data[rest.start : rest.end] if rest else b""

    def steps(self) -> Iterator[tuple[int, int, InspectedFrame, TraceEvent]]:
        """The handshake's messages: the number of the frame, where in it they are, and they themselves."""
        for number, frame in enumerate(self.frames):
            step = next((layer for layer in frame.layers[:-1] if layer.layer == "handshake"), None)
            at = frame.layers[-1].data.find(step.data) if step else -1
            if step and at >= 0:
                yield number, at, frame, step

    def _shapes(self) -> Iterator[tuple[str, list[Part]]]:
        for layer, shape in (("framer", self.framer), ("cipher", self.cipher)):
            if shape:
                yield layer, shape

    def lua(self) -> Iterator[str]:
        if self.length:
            at, size, little, more = self.length
            yield f"      length = {{ at = {at}, size = {size}, little = {str(little).lower()}, more = {more} }},"
        for layer, common in self._shapes():
            yield f"      {layer} = {self._shape(layer, common)},"
        yield "      handshake = {"
        for number, at, frame, step in self.steps():
            shape = self._shape("handshake", one_shape(step))
            name = quoted(label(frame.name))
            yield f"        [{number}] = {{ name = {name}, at = {at}, size = {len(step.data)}, shape = {shape} }},"
        yield "      },"

    def _shape(self, layer: str, shape: Iterable[Part]) -> str:
        parts = []
        for name, size, form, told in shape:
            parts.append(f"{{ {self._names.number(layer, name)}, {size}, {quoted(form)}, {quoted(clean(told)[:LONGEST])} }}")
        return f"{{ {', '.join(parts)} }}"

    def log(self, stream: int, way: str) -> Iterator[str]:
        """The lines of the key log for frames that the shapes do not explain."""
        steps = {number for number, *_ in self.steps()}
        shaped = {layer for layer, _ in self._shapes()}
        for number, frame in enumerate(self.frames):
            known = shaped | ({"handshake"} if number in steps else set())
            rest = [layer for layer in frame.layers if layer.layer not in known and layer.data]
            if rest or not self.length:
                yield _line("frame", stream, way, number, frame.name, len(frame.layers[-1].data))
            for layer in rest:
                yield from self._layer(layer, frame.layers[-1])

    def _layer(self, event: TraceEvent, whole: TraceEvent) -> Iterator[str]:
        within = whole.data.find(event.data) if event.layer != "messages" else -1
        yield _line("layer", event.layer, max(within, 0), "") + (event.data.hex() if within < 0 else "")
        for span in spans_of(event):
            yield self._span(event.layer, span)

    def _span(self, layer: str, span: Span) -> str:
        return _line("span", span.start, span.size, self._names.number(layer, span.name), span.value, span.made_of)


def _line(*cells: object) -> str:
    return "\t".join(escaped(str(cell)) for cell in cells)


def dissector(frames: Sequence[InspectedFrame]) -> tuple[str, str]:
    """The dissector for the capture of this trace (`capture`), and its key log."""
    names = _Names()
    log, talks = [HEAD.rstrip("\n")], []
    for stream, (begun, talk) in enumerate(_conversations(frames)):
        flow = Flow(begun.fields.get("peer", ""), begun.fields.get("role") != "server", stream)
        ways = {way: _Way([frame for frame in talk if frame.way == way], names) for way in (OUT, IN)}
        talks.append("\n".join(_lua(stream, begun, flow, ways)))
        log.append(_line("conversation", stream, flow.ports[OUT], begun.fields.get("role", "client")))
        for frame in talk:
            if frame.layers[0].layer == "keys":
                log.append(_line("key", stream, frame.name, "") + frame.layers[0].data.hex())
        for way in (OUT, IN):
            log += ways[way].log(stream, way)
    filled = TEMPLATE.read_text(encoding="utf-8").replace("--[[CONVERSATIONS]]", "\n".join(talks))
    return filled.replace("--[[NAMES]]", "\n".join(names.lua())), "\n".join([*log, ""])


def _conversations(frames: Iterable[InspectedFrame]) -> list[tuple[TraceEvent, list[InspectedFrame]]]:
    """Each conversation that began, with its frames, in the order of the capture's streams."""
    found: list[tuple[TraceEvent, list[InspectedFrame]]] = []
    current: dict[str, list[InspectedFrame]] = {}
    for frame in frames:
        event = frame.layers[0]
        if event.layer == "session" and event.what == "started":
            current[frame.group] = []
            found.append((event, current[frame.group]))
        elif frame.group in current:
            current[frame.group].append(frame)
    return found


def _lua(stream: int, begun: TraceEvent, flow: Flow, ways: dict[str, _Way]) -> Iterator[str]:
    plugins = (f"{kind} = {quoted(label(begun.fields[kind]))}" for kind in PLUGINS if kind in begun.fields)
    role = "server" if begun.fields.get("role") == "server" else "client"
    yield f'  [{stream}] = {{ own = {flow.ports[OUT]}, port = {flow.ports[IN]}, role = "{role}",'
    yield f"    plugins = {{ {', '.join(plugins)} }},"
    for way, sent in ways.items():
        yield f'    ["{way}"] = {{'
        yield from sent.lua()
        yield "    },"
    yield "  },"
