"""The cards as a page that stands alone: a sequence diagram to be read from the back of a room; a click opens a frame.

The page holds the cards as JSON and builds itself from it as text, so that nothing a peer said is ever markup.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from plytalk.lab.inspect.frames import InspectedFrame

TEMPLATE = Path(__file__).with_name("page.html")
PLACE = "/*CARDS*/"


def page(inspect_frames: Sequence[InspectedFrame], title: str) -> str:
    """The page's HTML."""
    data = json.dumps({"title": title, "cards": [card.as_json() | {"text": card.text} for card in inspect_frames]})
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, data)
