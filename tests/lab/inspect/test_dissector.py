"""The dissector: tshark names the same bytes as the layers do, in every profile, and both ways."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from every_byte.recorded import LINES, profiles, record
from every_byte.test_every_byte import generated
from msgspec.structs import replace

from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.capture import capture
from plytalk.lab.inspect.dissector import dissector, escaped, field, quoted
from plytalk.lab.inspect.frames import InspectedFrame, inspect_frames
from plytalk.lab.inspect.shapes import spans_of

PROFILES = {name: (layers, options) for name, layers, options in profiles()}


class Layer(NamedTuple):
    """A layer of a frame: the parts are a name, where they begin, and their size."""

    name: str
    parts: list[tuple[str, int, int]]


def written(events: Sequence[TraceEvent], folder: Path) -> tuple[str, str]:
    """What Wireshark needs of a trace, in a folder; the dissector and its key log."""
    frames = inspect_frames(events)
    script, keys = dissector(frames)
    (folder / "plytalk.lua").write_text(script)
    (folder / "plytalk.keys").write_text(keys)
    (folder / "conversation.pcapng").write_bytes(capture(events))
    return script, keys


def dissected(folder: Path, *options: str) -> str:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed (Debian package tshark)")
    command = ["tshark", "-X", f"lua_script:{folder / 'plytalk.lua'}", "-r", str(folder / "conversation.pcapng"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Lua" not in done.stderr, done.stderr
    return done.stdout


def found_in(folder: Path) -> dict[tuple[int, str], list[list[Layer]]]:
    """What tshark shows of each frame, by stream and sender."""
    found: dict[tuple[int, str], list[list[Layer]]] = {}
    for packet in ElementTree.fromstring(dissected(folder, "-T", "pdml", "-2")).iter("packet"):
        stream = next(int(part.get("show", "")) for part in packet.iter("field") if part.get("name") == "tcp.stream")
        for frame in packet.iter("proto"):
            if frame.get("name") == "plytalk":
                sender = "client" if " from the client, " in frame.get("showname", "") else "server"
                found.setdefault((stream, sender), []).append([as_layer(layer) for layer in frame.findall("field")])
    return found


def as_layer(item: ElementTree.Element) -> Layer:
    # What is decrypted has offsets from 0 on, though PDML counts the item itself from its parent on.
    begin = 0 if item.get("name") == "plytalk.messages" else int(item.get("pos", ""))
    parts = []
    for part in item.findall("field"):
        label = part.get("showname", "").partition("  (made from ")[0].partition(" = ")[0]
        parts.append((label, int(part.get("pos", "")) - begin, int(part.get("size", ""))))
        assert part.get("name", "") == field(item.get("name", "").removeprefix("plytalk."), label)
    return Layer(item.get("name", "").removeprefix("plytalk."), parts)


def expected(frames: Sequence[InspectedFrame], way: str) -> list[list[Layer]]:
    """The same of a trace."""
    return [[as_told(layer) for layer in frame.layers if layer.data] for frame in frames if frame.way == way]


def as_told(event: TraceEvent) -> Layer:
    return Layer(event.layer, [(clean(span.name), span.start, span.size) for span in spans_of(event)])


def compare(found: dict[tuple[int, str], list[list[Layer]]], stream: int, events: Sequence[TraceEvent]) -> int:
    """Hold what tshark shows of a stream against its trace; how many frames that were."""
    frames, role = inspect_frames(events), events[0].fields["role"]
    other = "server" if role == "client" else "client"
    for way, sender in (("out", role), ("in", other)):
        told, shown = expected(frames, way), found[stream, sender]
        assert len(shown) == len(told)
        for ours, theirs in zip(told, shown, strict=True):
            assert sorted(ours) == sorted(theirs)
    return sum(1 for frame in frames if frame.way)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Sequence[TraceEvent]]]:
    """Every profile, recorded at both ends, by its name."""
    recorded = {}
    for number, (name, (layers, options)) in enumerate(PROFILES.items()):
        lines = LINES[:2] if layers["framer"] == "raw" else LINES
        heard = asyncio.run(record(tmp_path_factory.mktemp(f"talk{number}"), layers, options, lines=lines))
        recorded[name] = [[replace(event, group=f"{name} {role.value}", time=1.0) for event in heard[role]] for role in heard]
    return recorded


@pytest.fixture(scope="module")
def shown(everything, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], list[list[Layer]]]:
    """What tshark shows of all of them, each a stream of one capture."""
    folder = tmp_path_factory.mktemp("all")
    written([event for both in everything.values() for events in both for event in events], folder)
    return found_in(folder)


@pytest.mark.parametrize("profile", PROFILES)
def test_tshark_names_the_bytes_of_each_frame_as_the_layers_do(profile: str, everything, shown) -> None:
    first = 2 * list(PROFILES).index(profile)
    for number, events in enumerate(everything[profile]):
        assert compare(shown, first + number, events) >= 4


def test_frames_and_handshakes_are_dissected_natively_and_only_plaintexts_are_logged(everything, tmp_path: Path) -> None:
    script, keys = written(everything["plytalk1"][0], tmp_path)
    assert "length = { at = 0, size = 2, little = false, more = 2 }" in script
    layers = {line.split("\t")[1] for line in keys.splitlines() if line.startswith("layer\t")}
    assert layers == {"messages"}
    assert {line.split("\t")[2] for line in keys.splitlines() if line.startswith("key\t")} == {"client key", "server key"}
    text = dissected(tmp_path, "-O", "plytalk")
    assert "length = 1216" in text
    assert "suite offered, number 1 = Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256" in text
    assert f"1 message: text = {LINES[0]}  (made from what was said, in UTF-8)" in text


def test_a_display_filter_finds_what_was_said(everything, tmp_path: Path) -> None:
    written(everything["secure-chat"][0], tmp_path)
    wanted = LINES[0].encode().hex(":")
    assert len(dissected(tmp_path, "-Y", f"plytalk.messages.text == {wanted}").splitlines()) == 2
    assert len(dissected(tmp_path, "-Y", 'plytalk.handshake == "rsa"').splitlines()) == 2


def begun(**fields: str) -> TraceEvent:
    return TraceEvent("session", "", "started", b"", {"peer": "127.0.0.1:7591", "role": "client", **fields}, 0.0)


def sent(whole: bytes, spans: Sequence[Span], way: str = "out") -> list[TraceEvent]:
    framer = TraceEvent("framer", way, "M", whole, {}, 1.0, "", spans)
    return [framer, TraceEvent("transport", way, "bytes", whole, {}, 1.0)]


@pytest.mark.parametrize("order", ["big", "little"])
def test_frames_with_a_length_anywhere_are_cut_by_it(tmp_path: Path, order) -> None:
    def frame(payload: bytes) -> list[TraceEvent]:
        whole = b"#" + len(payload).to_bytes(3, order) + payload + b"END"
        spans = [Span("mark", 0, 1, "#"), Span("length", 1, 3, str(len(payload))), Span("payload", 4, len(payload))]
        return sent(whole, [*spans, Span("end", 4 + len(payload), 3)])

    events = [begun(), *frame(b"one"), *frame(b"x" * 5000)]
    script, keys = written(events, tmp_path)
    assert f"length = {{ at = 1, size = 3, little = {str(order == 'little').lower()}, more = 7 }}" in script
    assert "\nframe\t" not in keys
    compare({**found_in(tmp_path), (0, "server"): []}, 0, events)


def test_lines_without_a_length_are_cut_by_the_key_log(tmp_path: Path) -> None:
    lines = [b"one\n", b"longer\n", b"x" * 3000 + b"\n"]
    events = [begun()]
    for line in lines:
        events += sent(line, [Span("line", 0, len(line) - 1), Span("end", len(line) - 1, 1)])
    script, keys = written(events, tmp_path)
    assert "length = {" not in script
    assert keys.count("\nframe\t") == 3
    assert "span" not in keys.partition("\nframe")[2]
    compare({**found_in(tmp_path), (0, "server"): []}, 0, events)


def test_many_frames_in_one_write_and_one_frame_in_many_are_told_apart(tmp_path: Path) -> None:
    def frame(payload: bytes) -> TraceEvent:
        return sent(
            len(payload).to_bytes(2, "big") + payload, [Span("length", 0, 2, str(len(payload))), Span("payload", 2, len(payload))]
        )[0]

    frames = [frame(b"one"), frame(b"two"), frame(b"y" * 4000), frame(b"three")]
    whole = b"".join(event.data for event in frames)
    events = [begun(), *frames, TraceEvent("transport", "out", "bytes", whole, {}, 1.0)]
    written(events, tmp_path)
    assert compare({**found_in(tmp_path), (0, "server"): []}, 0, events) == 4


def test_what_an_attacker_sends_that_is_not_a_frame_is_shown_as_bytes(tmp_path: Path) -> None:
    events = [begun(attacked="server"), TraceEvent("transport", "out", "bytes", b"garbage", {}, 1.0)]
    events += sent(b"\0\1x", [Span("length", 0, 2, "1"), Span("payload", 2, 1)])
    written(events, tmp_path)
    assert [[layer.name for layer in frame] for frame in found_in(tmp_path)[0, "client"]] == [["transport"], ["framer"]]


def test_what_is_in_no_capture_is_left_out(tmp_path: Path) -> None:
    events = sent(b"\0\1x", [Span("length", 0, 2, "1"), Span("payload", 2, 1)])
    written(events, tmp_path)
    assert found_in(tmp_path) == {}
    written([], tmp_path)
    assert found_in(tmp_path) == {}


def test_a_trace_whose_layers_contradict_what_passed_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    step = TraceEvent("handshake", "out", "hello", b"abc", {}, 1.0, "", [Span("greeting", 0, 3)])
    frame = TraceEvent("framer", "out", "K", b"\0\3abc", {}, 1.0, "", [Span("length", 0, 2, "3"), Span("payload", 2, 3)])
    events = [begun(), step, frame, TraceEvent("transport", "out", "bytes", b"\0\1x", {}, 1.0)]
    written(events, tmp_path)
    assert found_in(tmp_path) == {(0, "client"): [[Layer("framer", [("length", 0, 2), ("payload", 2, 1)])]]}
    assert "Lua Error" not in dissected(tmp_path, "-V")


@pytest.mark.parametrize("kind", ["framer", "handshake", "cipher", "messages"])
async def test_the_bytes_of_a_generated_plugin_are_named(kind: str, tmp_path: Path) -> None:
    others = {"framer": "typed", "handshake": "rsa", "cipher": "chacha20poly1305", "messages": "text"}
    heard = await record(tmp_path, {one: name for one, name in others.items() if one != kind}, {}, generated(kind, tmp_path))
    for stream, role in enumerate(heard):
        folder = tmp_path / role.value
        folder.mkdir(exist_ok=True)
        events = [replace(event, time=1.0) for event in heard[role]]
        written(events, folder)
        found = {(stream, sender): frames for (_, sender), frames in found_in(folder).items()}
        assert compare(found, stream, events) >= 4


HOSTILE = ']]"\\\n\t\x00\x1b[2J--[[CONVERSATIONS]]%d\u2028\ud800'


def test_nothing_a_peer_said_is_a_part_of_the_script(tmp_path: Path) -> None:
    raw = HOSTILE.encode(errors="replace")
    spans = [Span(HOSTILE, 0, len(raw), HOSTILE, HOSTILE)]
    events = [begun(framer=HOSTILE, peer=HOSTILE, role=HOSTILE), TraceEvent("keys", "", HOSTILE, raw, {}, 1.0, "", spans)]
    events += [TraceEvent("handshake", "out", HOSTILE, raw, {}, 1.0, "", spans), *sent(raw, spans), *sent(raw * 2, spans)]
    script, keys = written(events, tmp_path)
    assert not {"\x00", "\x1b", "\u2028", "␛"} & set(script)
    assert all(line.split("\t")[0] in ("conversation", "key", "frame", "layer", "span") for line in keys.splitlines()[3:])
    assert len(found_in(tmp_path)[0, "client"]) == 2


def test_a_trace_with_very_many_names_has_a_name_for_the_rest(tmp_path: Path) -> None:
    events = [begun()]
    for number in range(3000):
        events += sent(b"x", [Span(f"name {number}", 0, 1)])
    script, _ = written(events, tmp_path)
    assert '"plytalk.framer.other"' in script
    assert len(found_in(tmp_path)[0, "client"]) == 3000


def test_names_and_cells_are_written_so_that_they_are_read_back() -> None:
    assert quoted('a"b\\\n') == '"a\\034b\\092\\010"'
    assert escaped("a\\b") == "a\\x5cb"
    assert field("messages", "12 message: text") == "plytalk.messages.message.text"
    assert field("framer", "") == "plytalk.framer.part"
