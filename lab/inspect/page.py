"""The frames of a trace as a self-contained page: a sequence diagram for a large screen, and every byte of the chosen frame.

The page is put together from a few short files. It contains the frames as JSON and shows them as text, so that nothing a peer
said is ever markup; its policy lets no script run but its own, and loads nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame
from plytalk.plugins.small_http import source_hash

FOLDER = Path(__file__).parent
SCRIPTS = ("diagram.js", "bytes.js")
KINDS = ("transport", "framer", "handshake", "auth", "cipher", "messages", "feature")
WITHIN = ("handshake", "cipher")
"""The layers whose bytes are, as a rule, a part of their frame's."""


def page(frames: Iterable[InspectedFrame], title: str) -> str:
    """The page's HTML."""
    return _html(PageData(frames), title, SCRIPTS, "")


def live_page(data: "PageData", title: str) -> str:
    """The HTML of a page that asks its server for what is new."""
    return _html(data, title, (*SCRIPTS, "live.js"), "; connect-src 'self'")


def _html(data: "PageData", title: str, scripts: Sequence[str], connect: str) -> str:
    style, script = _file("page.css"), "".join(map(_file, scripts))
    parts = {
        "{style}": style,
        "{script}": script,
        "{style_hash}": source_hash(style),
        "{script_hash}": source_hash(script),
        "{connect}": connect,
        "{data}": _escaped(json.dumps({"title": title, **data.since()}, separators=(",", ":"))),
    }
    pieces = _file("page.html").split("{")
    return pieces[0] + "".join(_filled(piece, parts) for piece in pieces[1:])


def _filled(piece: str, parts: Mapping[str, str]) -> str:
    """What follows a brace of the template, with its part in place of the name."""
    name, _, rest = piece.partition("}")
    return parts[f"{{{name}}}"] + rest


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _escaped(text: str) -> str:
    """JSON that contains nothing HTML or a script would end at."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class PageData:
    """What the page's scripts get. Names recur in every frame, so each is there once, and spans have its number."""

    def __init__(self, frames: Iterable[InspectedFrame] = ()) -> None:
        self._strings = {"": 0}
        self._talks: dict[tuple[str, int], tuple[int, Mapping[str, str]]] = {}  # with what has that id, so that it stays its id
        self._about: list[dict[str, Any]] = []
        self._frames: list[dict[str, Any]] = []
        self.add(frames)

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frames: Iterable[InspectedFrame]) -> None:
        """Take in frames, as they come."""
        self._frames += map(self._frame, frames)

    def since(self, frame: int = 0, string: int = 0, most: int | None = None) -> dict[str, Any]:
        """Frames and strings from these numbers on, of frames as many as `most`; and all conversations."""
        frames = self._frames[frame:] if most is None else self._frames[frame : frame + most]
        return {"strings": list(self._strings)[string:], "talks": self._about, "frames": frames}

    def _frame(self, frame: InspectedFrame) -> dict[str, Any]:
        event = frame.layers[0]
        session = event.layer == "session"
        return {
            "time": round(frame.time, 6),
            "way": frame.way,
            "name": frame.name,
            "text": event.data.decode(errors="replace") if session else frame.text,
            "talk": self._talk(frame),
            "readable": frame.readable,
            "open": None if frame.readable is None else frame.readable or not frame.keeps_secrets,
            "about": [list(fact) for fact in event.fields.items()] if session and event.what != "started" else [],
            "layers": [self._layer(layer, frame) for layer in frame.layers],
        }

    def _talk(self, frame: InspectedFrame) -> int:
        """The number of the conversation that a frame belongs to."""
        about, key = frame.plugins, (frame.group, id(frame.plugins))
        if key not in self._talks:
            self._talks[key] = len(self._about), about
            layers = [(kind, about[kind], about.get(f"{kind}_version", "")) for kind in KINDS if kind in about]
            told = {name: about.get(name, "") for name in ("role", "peer", "attacked")}
            self._about.append({"group": frame.group, "plugins": layers, **told})
        return self._talks[key][0]

    def _layer(self, event: TraceEvent, frame: InspectedFrame) -> dict[str, Any]:
        whole = frame.layers[-1]
        at = whole.data.find(event.data) if event.layer in WITHIN and event is not whole else -1
        return {
            "layer": event.layer,
            "plugin": frame.plugin_of(event),
            "length": len(event.data),
            "spans": list(self._spans(event)),
            **({"at": at} if at >= 0 else {"raw": event.data.hex()}),
        }

    def _spans(self, event: TraceEvent) -> Iterator[tuple[int, int, int, str, int]]:
        for span in event.spans:
            yield self._string(span.name), span.start, span.size, span.value, self._string(span.made_of)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))
