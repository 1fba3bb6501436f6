"""A trace as frames: one for each frame, from the words down to the wire."""

from msgspec.structs import replace

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import InspectedFrame, Inspection, inspect_frames

START = TraceEvent("session", "", "started", b"", {"role": "client"}, 0.0)
OUT = [
    TraceEvent("messages", "out", "plaintext", b"one", {}, 1.0, "", [Span("text", 0, 3, "one")]),
    TraceEvent("messages", "out", "plaintext", b"two", {}, 1.0, "", [Span("text", 0, 3, "two")]),
    TraceEvent("cipher", "out", "sealed", b"ONE", {}, 1.0),
    TraceEvent("framer", "out", "M", b"3ONE", {}, 1.0, "", [Span("length", 0, 1, "3", "a count"), Span("payload", 1, 3)]),
    TraceEvent("cipher", "out", "sealed", b"TWO", {}, 1.0),
    TraceEvent("framer", "out", "M", b"3TWO", {}, 1.0),
    TraceEvent("transport", "out", "bytes", b"3ONE3TWO", {}, 1.0),
]
IN = [
    TraceEvent("transport", "in", "bytes", b"4FOUR", {}, 2.0),
    TraceEvent("framer", "in", "M", b"FOUR", {}, 2.0),
    TraceEvent("cipher", "in", "sealed", b"FOUR", {}, 2.0),
    TraceEvent("messages", "in", "plaintext", b"four", {}, 2.0, "", [Span("text", 0, 4, "four")]),
]


def test_each_frame_is_listed_from_the_words_to_the_wire() -> None:
    first, second, third = inspect_frames([*OUT, *IN])
    assert [event.data for event in first.layers] == [b"one", b"ONE", b"3ONE"]
    assert [event.data for event in second.layers] == [b"two", b"TWO", b"3TWO"]
    assert [event.data for event in third.layers] == [b"four", b"FOUR", b"FOUR"]
    assert [entry.text for entry in (first, second, third)] == ["one", "two", "four"]
    assert [entry.way for entry in (first, second, third)] == ["out", "out", "in"]


def test_a_handshake_s_frame_is_named_by_its_step() -> None:
    step = TraceEvent("handshake", "out", "public key", b"KEY", {}, 0.5)
    frame = TraceEvent("framer", "out", "K", b"K3KEY", {}, 0.5)
    [entry] = inspect_frames([step, frame])
    assert entry.name == "public key"
    assert entry.layers == [step, frame]


def test_a_frame_that_did_not_open_is_still_shown() -> None:
    [entry] = inspect_frames(IN[:3])
    assert [event.layer for event in entry.layers] == ["cipher", "framer"]
    assert entry.text == ""


def test_what_concerns_the_conversation_stands_between_the_frames() -> None:
    end = TraceEvent("session", "", "ended", b"You said exit.", {}, 3.0)
    assert [entry.name for entry in inspect_frames([START, *IN, end])] == ["started", "text", "ended"]


def test_a_frame_comes_as_soon_as_it_is_complete() -> None:
    inspection = Inspection()
    assert [[entry.text for entry in inspection.add(event)] for event in IN] == [[], [], [], ["four"]]
    assert [entry.text for event in OUT for entry in inspection.add(event)] == ["one", "two"]
    assert list(inspection.rest()) == []


def test_keys_stand_between_the_frames_as_well() -> None:
    key = TraceEvent("keys", "", "session key", b"0123", {}, 0.5)
    assert next((entry.name, entry.layers) for entry in inspect_frames([key, *IN])) == ("session key", [key])


def test_conversations_that_take_turns_are_told_apart() -> None:
    def of(group: str, events: list[TraceEvent]) -> list[TraceEvent]:
        return [replace(event, group=group) for event in events]

    begun = TraceEvent("session", "", "started", b"", {"cipher": "mine"}, 0.0)
    found = inspect_frames([*of("client", [begun, *IN[:2]]), *of("server", OUT), *of("client", IN)])
    assert [(entry.group, entry.way, entry.text) for entry in found] == [
        ("client", "", ""),
        ("client", "in", ""),
        ("server", "out", "one"),
        ("server", "out", "two"),
        ("client", "in", "four"),
    ]
    assert [entry.plugins.get("cipher") for entry in found] == ["mine", "mine", None, None, "mine"]


def test_bytes_that_no_framer_made_are_an_entry_by_themselves() -> None:
    stray = TraceEvent("transport", "out", "bytes", b"x", {}, 1.5)
    found = inspect_frames([*OUT, stray])
    assert [(entry.name, entry.layers[-1].data) for entry in found] == [("text", b"3ONE"), ("text", b"3TWO"), ("bytes", b"x")]


def test_words_that_can_be_read_off_the_wire_are_told_from_others() -> None:
    bare = [
        TraceEvent("messages", "out", "plaintext", b"hi", {}, 1.0, "", [Span("text", 0, 2, "hi")]),
        TraceEvent("framer", "out", "M", b"hi", {}, 1.0),
    ]
    sealed, _ = inspect_frames(OUT[:6])
    [step] = inspect_frames(
        [TraceEvent("handshake", "out", "public key", b"KEY", {}, 0.5), TraceEvent("framer", "out", "K", b"K3KEY", {}, 0.5)]
    )
    plain = InspectedFrame(1.0, "out", "text", bare)
    assert (plain.readable, sealed.readable, step.readable) == (True, False, None)


def test_programs_get_bytes_in_hexadecimal() -> None:
    assert InspectedFrame(1.0015, "out", "M", [OUT[3]]).as_json() == {
        "time_ms": 1001.5,
        "group": "",
        "way": "out",
        "name": "M",
        "text": "",
        "layers": [
            {
                "layer": "framer",
                "what": "M",
                "about": {},
                "spans": [
                    {"name": "length", "start": 0, "size": 1, "value": "3", "made_of": "a count"},
                    {"name": "payload", "start": 1, "size": 3, "value": "", "made_of": ""},
                ],
                "length": 4,
                "raw": "334f4e45",
            }
        ],
    }


def test_what_is_packed_for_several_and_sealed_for_one_after_the_other_is_told_apart() -> None:
    packed = [replace(event, group=group) for group in ("", "connection 2") for event in OUT[:1]]
    sealed = [replace(event, group=group) for group in ("connection 2", "") for event in OUT[2:4]]
    found = inspect_frames([*packed, *sealed])
    assert [(entry.group, {event.group for event in entry.layers}) for entry in found] == [
        ("connection 2", {"connection 2"}),
        ("", {""}),
    ]


def test_what_an_authenticator_says_during_the_handshake_is_its_own() -> None:
    begun = TraceEvent("session", "", "started", b"", {"handshake": "plytalk1", "auth": "code"}, 0.0)
    step = TraceEvent("handshake", "out", "A", b"A", {"by": "code"}, 0.5)
    _, entry = inspect_frames([begun, step, TraceEvent("framer", "out", "A", b"\1A", {"by": "x"}, 0.5)])
    assert [entry.plugin_of(event) for event in entry.layers] == ["code", ""]
    assert entry.plugin_of(replace(step, fields={})) == "plytalk1"
