"""The picture in the README is drawn from what `chat demo` really prints."""

import xml.etree.ElementTree as ET

import generate
import picture
import pytest

DEMO = """\
A conversation over tcp | u16 | plytalk1 | noise | records | script, server at 127.0.0.1:50413
  client  Less is < more.
  server  Indeed.

What each layer did with it, at the client (-> sent, <- received)
       0.3 ms  -> preamble
    handshake plytalk1          96 bytes
      50 4c 59 54 41 4c 4b 31 0a 02 28 4e 6f 69 73 65  PLYTALK1..(Noise
       4.4 ms  -> message
    messages  records           15 bytes  1 message: Less is < more.
      4c 65 73 73 20 69 73 20 3c 20 6d 6f 72 65 2e     Less is < more.
    cipher    noise             80 bytes
      c3 b6 f6 f6 25 89 33 f3 9b ce 62 2a c9 b3 a2 81  ....%.3...b*....
      and 64 bytes more
    -> an eavesdropper sees only these bytes
       5.0 ms  <- message
    messages  records           64 bytes
"""


def test_a_demo_is_read() -> None:
    shown = picture.read(DEMO)
    assert shown.words == "Less is < more."
    assert [(step.kind, step.name, step.size) for step in shown.steps] == [("messages", "records", 15), ("cipher", "noise", 80)]
    assert shown.steps[1].text == "....%.3...b*...."
    assert not shown.readable


def test_the_picture_is_well_formed_and_holds_what_was_shown() -> None:
    texts = [element.text for element in ET.fromstring(picture.draw(picture.read(DEMO))).iter() if element.text]
    assert "“Less is < more.”" in texts
    assert "80 bytes, the first 16" in texts
    assert texts.count("noise") == 2  # on the way down, and on the way up


def test_pictures_are_the_same_whatever_was_sealed_and_differ_in_all_else() -> None:
    one, other = (picture.draw(picture.read(DEMO.replace("c3 b6", new))) for new in ("c3 b6", "00 01"))
    assert one != other
    assert picture.same(one, other)
    assert not picture.same(one, picture.draw(picture.read(DEMO.replace("noise", "other"))))
    assert not picture.same(one, picture.draw(picture.read(DEMO.replace("Less is", "More is"))))


def test_a_sealed_byte_may_look_like_a_space() -> None:
    odd = DEMO.replace("....%.3...b*....", " ...%.3...b*... ")
    assert picture.same(picture.draw(picture.read(odd)), picture.draw(picture.read(DEMO)))


def test_a_readable_network_is_drawn_so() -> None:
    drawn = picture.draw(picture.read(generate.run("chat demo --cipher none")))
    assert "reads every word as it was typed" in drawn
    assert 'class="sealed"' not in drawn


def test_a_demo_that_looks_different_says_what_to_change() -> None:
    with pytest.raises(ValueError, match="change both together"):
        picture.read("Something else")
