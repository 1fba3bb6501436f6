"""The frames of a trace as a self-contained page: a sequence diagram for a large screen, in which a click opens a frame.

The page contains the frames as JSON and shows them as text, so that nothing a peer said is ever markup.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from plytalk.lab.inspect.frames import InspectedFrame

TEMPLATE = Path(__file__).with_name("page.html")
PLACEHOLDER = "/*FRAMES*/"


def page(frames: Sequence[InspectedFrame], title: str) -> str:
    """The page's HTML."""
    data = json.dumps({"title": title, "frames": [frame.as_json() for frame in frames]})
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACEHOLDER, data)
