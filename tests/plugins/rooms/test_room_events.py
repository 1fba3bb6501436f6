"""The items between a client and a server with rooms, byte for byte; and anything else that may come instead."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import BadFrame
from plytalk.plugins.rooms.room_events import HEAD, Kind, Mark, RoomEvent, read, write
from plytalk.plugins.rooms.ui_events import plain_line
from plytalk.trust.identity import load_or_create

TEXT = st.text(max_size=60)


def test_an_event_byte_for_byte() -> None:
    event = RoomEvent(1, 2, Kind.SAID, Mark.NO_KEY, "\u00e9lise", "salut")
    body = bytes.fromhex("0000000000000001 0000000000000002 01 02 00 06 c3a96c697365 73616c7574")
    assert event.encode() == body
    assert RoomEvent.decode(body) == event
    assert event.fingerprint is None


def test_an_event_names_the_sender_s_key(tmp_path: Path) -> None:
    key = load_or_create(tmp_path / "identity")[0].public
    event = RoomEvent(1, 2, Kind.DID, Mark.OPERATOR, "bob", "waves", key.digest)
    body = bytes.fromhex("0000000000000001 0000000000000002 02 08 20") + hashlib.sha256(key.blob).digest() + b"\x03bobwaves"
    assert event.encode() == body
    assert RoomEvent.decode(body) == event
    assert event.fingerprint == key.fingerprint
    assert plain_line(event) == "* bob waves"


@given(
    st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 255), st.integers(0, 255),
    st.text(max_size=60, alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")),
    st.just(b"") | st.binary(min_size=32, max_size=32),
)  # fmt: skip
def test_what_was_written_is_read(id: int, time: int, kind: int, marks: int, name: str, text: str, key: bytes) -> None:
    event = RoomEvent(id, time, kind, marks, name, text, key)
    assert RoomEvent.decode(event.encode()) == event


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: bytes(18) + b"\x20" + rest))
def test_any_bytes_are_an_event_or_none(body: bytes) -> None:
    try:
        event = RoomEvent.decode(body)
    except BadFrame:
        key = body[HEAD.size - 1] if len(body) >= HEAD.size else 0
        name = body[HEAD.size + key : HEAD.size + key + 1]
        assert key not in (0, 32) or not name or len(body) < HEAD.size + key + 1 + name[0]
    else:
        assert isinstance(plain_line(event), str)
        assert len(event.key) in (0, 32)
        assert isinstance(event.details, dict)


def test_an_event_that_is_cut_off_says_where() -> None:
    whole = RoomEvent(1, 2, Kind.SAID, 0, "alice", "").encode()
    with pytest.raises(BadFrame, match="too short"):
        RoomEvent.decode(whole[: HEAD.size - 1])
    with pytest.raises(BadFrame, match="too short"):
        RoomEvent.decode(whole[: HEAD.size])
    with pytest.raises(BadFrame, match="whose key has 31 bytes"):
        RoomEvent.decode(whole[: HEAD.size - 1] + b"\x1f" + bytes(60))
    with pytest.raises(BadFrame, match="name is longer"):
        RoomEvent.decode(whole[:-1])


def test_bytes_that_are_no_text_are_shown_as_far_as_they_go() -> None:
    body = HEAD.pack(1, 2, Kind.SAID, 0, 0) + b"\x02\xff\xfe" + b"caf\xe9"
    event = RoomEvent.decode(body)
    assert (event.name, event.text) == ("\ufffd\ufffd", "caf\ufffd")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        (Kind.SAID, "hello", "bob: hello"),
        (Kind.DID, "waves", "* bob waves"),
        (Kind.JOINED, "", "* [bob] is here."),
        (Kind.LEFT, "", "* [bob] has left."),
        (Kind.LEFT, "the connection was cut", "* [bob] has left: the connection was cut."),
        (Kind.RENAMED, "rob", "* [bob] is now [rob]."),
        (Kind.TOPIC, "tea", "* [bob] set the topic: tea"),
        (Kind.TOLD, '{"to": "alice", "text": "psst"}', "bob, to you alone: psst"),
        (Kind.TOLD, "[]", "bob, to you alone: "),
        (Kind.OTHER, '{"type": "dice", "text": "bob rolls 6."}', "bob rolls 6."),
        (Kind.OTHER, '{"text": [1]}', "[1]"),
        (Kind.OTHER, "no object", ""),
        (Kind.MODERATED, '{"action": "kick", "target": {"name": "eve"}, "reason": "spam"}', "* [bob] removed [eve]: spam."),
        (Kind.MODERATED, '{"action": "ban", "target": {"key": "SHA256:x"}}', "* [bob] banned SHA256:x."),
        (Kind.MODERATED, '{"action": "op", "target": {"name": "eve", "key": "x"}}', "* [bob] made [eve] an operator."),
        (Kind.MODERATED, '{"action": "future", "target": {"name": "eve"}}', ""),
        (Kind.MODERATED, '{"action": ["op"], "target": [], "reason": {}}', ""),
        (Kind.MODERATED, '{"action": "mute", "target": 7}', "* [bob] muted ."),
        (99, "from the future", ""),
    ],
)
def test_how_an_event_is_shown(kind: int, text: str, shown: str) -> None:
    assert plain_line(RoomEvent(1, 2, kind, 0, "bob", text), "alice") == shown


@pytest.mark.parametrize("marks", [0, Mark.NO_KEY])
@pytest.mark.parametrize(
    ("kind", "text"),
    [(Kind.JOINED, ""), (Kind.LEFT, ""), (Kind.LEFT, "gone to x"), (Kind.RENAMED, "bob"), (Kind.TOPIC, "tea"), (Kind.SAID, "hi")],
)
def test_an_action_never_looks_like_what_the_server_reports(kind: Kind, text: str, marks: int) -> None:
    reported = plain_line(RoomEvent(1, 2, kind, marks, "alice", text))
    for name in ("alice", "mallory", "al"):
        start = plain_line(RoomEvent(1, 2, Kind.DID, marks, name, ""))
        assert not reported.startswith(start)
        if kind != Kind.SAID:
            assert reported.startswith("* [alice] ")


def test_who_told_sees_whom() -> None:
    assert (
        plain_line(RoomEvent(1, 2, Kind.TOLD, 0, "bob", '{"to": "alice", "text": "psst"}'), "bob") == "you, to alice alone: psst"
    )


def test_what_is_weak_stands_beside_the_name() -> None:
    event = RoomEvent(1, 2, Kind.SAID, Mark.NO_KEY | Mark.NOT_ENCRYPTED, "bob", "hi")
    assert plain_line(event) == "bob [not authenticated, not encrypted]: hi"
    assert event.weaknesses == ["not authenticated", "not encrypted"]
    assert plain_line(RoomEvent(1, 2, Kind.SAID, 0, "bob", "hi")) == "bob: hi"


@given(st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT)))
def test_an_object_that_was_written_is_read(said: dict[str, object]) -> None:
    body = write(**said)
    assert body.isascii()
    assert read(body) == json.loads(body) == said


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"null", b'"x"', b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000]
)
def test_whatever_else_is_none(body: bytes) -> None:
    assert read(body) is None
