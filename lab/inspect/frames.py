"""A trace as a list of frames, each with what every layer made of it. An event that concerns the whole conversation, such as its
keys, is an entry of the same list.

On the way out the words come first and the bytes last, and on the way in the reverse; a frame lists both from the words to the
wire.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from plytalk.core.contracts.spans import TEXT
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.pipeline.tracing import IN, OUT, TraceEvent

FROM_WORDS_TO_WIRE = ("messages", "handshake", "cipher", "framer")


@dataclass
class InspectedFrame:
    """A frame (`way` is "out" or "in"), or an event of the session (`way` is ""); `time` is in seconds since the beginning.

    `group` is the conversation it belongs to where the trace holds several, `plugins` the layers' names by their kinds.
    """

    time: float
    way: str
    name: str
    layers: list[TraceEvent] = field(default_factory=list)
    group: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The frame for programs: bytes in hexadecimal."""
        return {
            "time_ms": round(self.time * 1000, 3),
            "group": self.group,
            "way": self.way,
            "name": self.name,
            "text": self.text,
            "layers": [
                {
                    "layer": one.layer,
                    "what": one.what,
                    "about": dict(one.fields),
                    "spans": [span._asdict() for span in one.spans],
                    "length": len(one.data),
                    "raw": one.data.hex(),
                }
                for one in self.layers
            ],
        }

    def plugin_of(self, event: TraceEvent) -> str:
        """The name of the layer that made this: the authenticator, where one talked during the handshake."""
        by = event.fields.get("by") if event.layer == "handshake" else None
        return by or self.plugins.get("transport" if event.layer == "wire" else event.layer, "")

    @property
    def text(self) -> str:
        """The words in it, if it has any that are known."""
        spans = [span for event in self.layers if event.layer == "messages" for span in event.spans]
        return " / ".join(span.value for span in spans if span.name == TEXT or span.name.endswith(f": {TEXT}"))

    @property
    def keeps_secrets(self) -> bool:
        """Whether the stack is one that keeps anything secret."""
        return self.plugins.get("secrecy") != "none"

    @property
    def readable(self) -> bool | None:
        """Whether the plaintext can be read off the frame; None where there is none to look for."""
        data = {event.layer: event.data for event in self.layers}
        return data["messages"] in data["framer"] if data.get("messages") and "framer" in data else None


@dataclass
class _Sending:
    """What one conversation has still to send."""

    plain: deque[TraceEvent] = field(default_factory=deque)
    above: list[TraceEvent] = field(default_factory=list)
    framed: int = 0
    """Bytes in frames that have not been sent yet."""
    plugins: Mapping[str, str] = field(default_factory=dict)


class Inspection:
    """Collects events into frames as they come; `add` gives the frames that are complete now.

    All events of a frame that arrives come together, so an event of another conversation completes the frame before it. What is
    sent to several may wait, and be sealed for one after the other.
    """

    def __init__(self) -> None:
        self._arriving: InspectedFrame | None = None
        self._group = ""
        self._sending: defaultdict[str, _Sending] = defaultdict(_Sending)

    def add(self, event: TraceEvent) -> Iterator[InspectedFrame]:
        if event.group != self._group:
            yield from self.rest()
            self._group = event.group
        if event.layer == "wire":  # a unit of the transport's protocol holds any number of frames, or a part of one
            yield from self.rest()
            yield self._entry(event, event.what, [event])
        elif event.way == OUT:
            yield from self._out(event)
        elif event.way == IN and event.layer != "transport":
            yield from self._in(event)
        elif not event.way:
            yield from self.rest()
            if event.what == "started":
                self._sending[event.group] = _Sending(plugins=event.fields)
            yield self._entry(event, event.what, [event])

    def rest(self) -> Iterator[InspectedFrame]:
        """The frame that was not complete yet."""
        if self._arriving:
            yield self._arriving
            self._arriving = None

    def _entry(self, event: TraceEvent, name: str, layers: list[TraceEvent]) -> InspectedFrame:
        return InspectedFrame(event.time, event.way, name, layers, event.group, self._sending[event.group].plugins)

    def _out(self, event: TraceEvent) -> Iterator[InspectedFrame]:
        sending = self._sending[event.group]
        if event.layer == "messages":
            sending.plain.append(event)
        elif event.layer == "cipher":
            sending.above = [sending.plain.popleft(), event] if sending.plain else [event]
        elif event.layer == "handshake":
            sending.above = [event]
        elif event.layer == "framer":
            yield from self.rest()
            layers, sending.above = [*sending.above, event], []
            sending.framed += len(event.data)
            yield self._entry(event, _name(layers), layers)
        elif len(event.data) > sending.framed:  # an attacker sends what no framer made
            yield from self.rest()
            yield self._entry(event, "bytes", [event])
        else:
            sending.framed -= len(event.data)

    def _in(self, event: TraceEvent) -> Iterator[InspectedFrame]:
        if event.layer == "framer":
            yield from self.rest()
            self._arriving = self._entry(event, "", [event])
        elif self._arriving:
            self._arriving.layers.append(event)
            self._arriving.layers.sort(key=lambda one: FROM_WORDS_TO_WIRE.index(one.layer))
        if self._arriving:
            self._arriving.name = _name(self._arriving.layers)
            if event.layer in ("messages", "handshake"):  # no layer is above these
                yield from self.rest()


def inspect_frames(events: Iterable[TraceEvent]) -> list[InspectedFrame]:
    """All frames of a trace."""
    inspection = Inspection()
    found = [frame for event in events for frame in inspection.add(event)]
    return [*found, *inspection.rest()]


def _name(layers: list[TraceEvent]) -> str:
    for event in layers:
        if event.layer == "handshake":
            return event.what
        if event.layer == "messages":
            titles = [span.name.partition(": ")[0] for span in event.spans if span.name != "padding"]
            return ", ".join(title.partition(" ")[2] or title for title in dict.fromkeys(titles)) or "empty record"
    return "frame" if layers[-1].what in ("", MESSAGE.decode()) else layers[-1].what
