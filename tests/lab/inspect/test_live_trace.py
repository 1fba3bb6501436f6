"""A trace that grows: whatever pieces it comes in, its frames come whole and once, until its conversations have ended."""

import json
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.inspect.live_trace import LiveTrace

HEAD = {"plytalk_trace": 1}


def line(name: str, what: str, raw: str = "", group: str = "") -> dict[str, object]:
    return {"time": 1, "name": name, "what": what, "data": {}, "raw": raw.encode().hex(), "group": group}


def text(*lines: dict[str, object]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def test_frames_come_whole_and_once_when_the_file_comes_byte_by_byte(tmp_path: Path) -> None:
    path = tmp_path / "talk.trace"
    path.touch()
    live, found = LiveTrace(path), []
    for byte in text(HEAD, line("session", "started"), line("framer:out", "K", "abc"), line("session", "ended")):
        with path.open("ab") as file:
            file.write(bytes([byte]))
        found += live.more()
    assert [frame.name for frame in found] == ["started", "K", "ended"]
    assert live.over
    live.close()


def test_it_is_over_when_every_conversation_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "talk.trace"
    begin = [line("session", "started", group=group) for group in ("", "connection 2")]
    path.write_bytes(text(HEAD, *begin, line("session", "ended")))
    live = LiveTrace(path)
    assert [frame.name for frame in live.more()] == ["started", "started", "ended"]
    assert not live.over
    with path.open("ab") as file:
        file.write(text(line("framer:in", "K", "abc"), line("session", "failed", group="connection 2")))
    assert [frame.name for frame in live.frames()] == ["K", "failed"]
    assert live.over
    live.close()


def test_the_frame_that_waits_for_its_next_layer_comes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "talk.trace"
    path.write_bytes(text(HEAD, line("session", "started"), line("framer:in", "K", "abc")))
    live = LiveTrace(path)
    assert [frame.name for frame in live.more()] == ["started"]
    with path.open("ab") as file:
        file.write(text(line("session", "ended")))
    assert [frame.name for frame in live.more()] == ["K", "ended"]
    live.close()


@pytest.mark.parametrize("content", [b"{}\n", b"no\n", text(HEAD) + b"no\n", text(HEAD) + b"x" * (4 * 1024 * 1024 + 1)])
def test_what_is_not_a_trace_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "talk.trace"
    path.write_bytes(content)
    live = LiveTrace(path)
    with pytest.raises(Usage):
        list(live.frames())
    live.close()


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Usage, match=r"cannot be read|is a folder"):
            LiveTrace(path)
