"""The picture in the README is drawn from what `chat demo` really prints."""

import xml.etree.ElementTree as ET
from typing import Any

import generate
import picture


def frame(way: str, text: str, *layers: tuple[str, bytes], about: dict[str, str] | None = None) -> dict[str, Any]:
    made = [{"layer": layer, "about": about or {}, "length": len(raw), "raw": raw.hex()} for layer, raw in layers]
    return {"name": "" if way else "started", "way": way, "text": text, "layers": made}


def demo(sealed: bytes = b"\xc3\xb6%" * 10, cipher: str = "noise", words: str = "Less is < more.") -> list[dict[str, Any]]:
    about = {
        "transport": "tcp",
        "framer": "u16",
        "handshake": "plytalk1",
        "cipher": cipher,
        "messages": "records",
        "ui": "script",
    }
    return [
        frame("", "", ("session", b""), about=about),
        frame("out", "", ("handshake", b"PLYTALK1")),
        frame("out", words, ("messages", words.encode()), ("cipher", sealed)),
        frame("in", "Indeed.", ("messages", b"Indeed.")),
    ]


def test_a_demo_is_read() -> None:
    shown = picture.read(demo())
    assert shown.words == "Less is < more."
    assert [(step.kind, step.name, step.size) for step in shown.steps] == [("messages", "records", 15), ("cipher", "noise", 30)]
    assert shown.steps[1].text == "..%..%..%..%..%."
    assert not shown.readable
    assert shown.stack == "tcp | u16 | plytalk1 | noise | records | script"


def test_the_picture_is_well_formed_and_holds_what_was_shown() -> None:
    texts = [element.text for element in ET.fromstring(picture.draw(picture.read(demo()))).iter() if element.text]
    assert "“Less is < more.”" in texts
    assert "30 bytes, the first 16" in texts
    assert texts.count("noise") == 2  # on the way down, and on the way up


def test_pictures_are_the_same_whatever_was_sealed_and_differ_in_all_else() -> None:
    one, other = (picture.draw(picture.read(demo(sealed))) for sealed in (b"\xc3\xb6" * 15, bytes(30)))
    assert one != other
    assert picture.same(one, other)
    assert not picture.same(one, picture.draw(picture.read(demo(cipher="other"))))
    assert not picture.same(one, picture.draw(picture.read(demo(words="More is < less."))))


def test_a_sealed_byte_may_look_like_a_space() -> None:
    assert picture.same(picture.draw(picture.read(demo(b" " + bytes(28) + b" "))), picture.draw(picture.read(demo())))


def test_a_readable_network_is_drawn_so() -> None:
    drawn = picture.draw(picture.read(generate.demo_frames("--cipher none")))
    assert "reads every word as it was typed" in drawn
    assert 'class="sealed"' not in drawn
