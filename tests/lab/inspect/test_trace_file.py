"""Traces on disk: a written trace can be read again, and a file that is not one is refused with its line."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.trace_file import TraceFile, parse, read

HEAD = b'{"plytalk_trace":1}\n'


def test_what_is_written_is_read_back(tmp_path) -> None:
    events = [
        TraceEvent("session", "", "started", b"", {"role": "client"}, 5.0),
        TraceEvent("framer", "out", "K", bytes(range(256)), {}, 5.25, "", [Span("e", 0, 32, "", "x"), Span("", 32, 224)]),
        TraceEvent("messages", "in", "plaintext", "Hör".encode(), {}, 6.0, "", [Span("text", 0, 4, "Hör\x1b[2J\u202e")]),
    ]
    trace = TraceFile(tmp_path / "trace")
    for event in events:
        trace(event)
    trace.close()
    found = read(tmp_path / "trace")
    assert found == events
    assert [event.fields for event in found] == [event.fields for event in events]
    assert [event.spans for event in found] == [event.spans for event in events]
    assert [event.time for event in found] == [0, 0.25, 1.0]
    assert (tmp_path / "trace").read_bytes().isascii()


def test_a_trace_says_whether_it_holds_keys_and_only_then_asks_for_them(tmp_path) -> None:
    key = TraceEvent("keys", "", "session key", b"secret", {}, 0.0, "client 0")
    for secrets in (False, True):
        trace = TraceFile(tmp_path / f"{secrets}", secrets)
        assert trace.secrets is secrets
        trace(key)
        trace.close()
        assert read(tmp_path / f"{secrets}") == [key]
        assert json.loads((tmp_path / f"{secrets}").read_text().splitlines()[0])["secrets"] is secrets


def test_a_file_that_is_there_stays_as_it_is(tmp_path) -> None:
    (tmp_path / "trace").write_text("precious")
    with pytest.raises(Usage, match="exists already"):
        TraceFile(tmp_path / "trace")
    assert (tmp_path / "trace").read_text() == "precious"


def test_a_folder_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(Usage, match="cannot be written"):
        TraceFile(tmp_path / "no" / "trace")
    with pytest.raises(Usage, match="cannot be read"):
        read(tmp_path / "no" / "trace")


FULL = """if True:
    import pathlib, resource, sys
    from plytalk.core.contracts.errors import Usage
    from plytalk.core.pipeline.tracing import TraceEvent
    from plytalk.lab.inspect.trace_file import TraceFile
    path, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        trace = TraceFile(path, stopped=print)
    except Usage as error:
        print(error.sentence)
        sys.exit()
    for number in range(100):
        trace(TraceEvent("session", "", "note", b"x" * 50, {}, float(number)))
    trace.close()
"""


def full(path: Path, most: int) -> str:
    return subprocess.run([sys.executable, "-c", FULL, str(path), str(most)], capture_output=True, text=True, check=True).stdout


def test_on_a_full_disk_it_ends_with_a_whole_line_and_says_so_once(tmp_path) -> None:
    path = tmp_path / "trace"
    assert full(path, 1000) == f"The trace in {path} ends here: File too large. The conversation goes on.\n"
    assert path.read_bytes().endswith(b"}\n")
    found = read(path)
    assert 0 < len(found) < 100
    assert [event.time for event in found] == list(range(len(found)))


def test_a_disk_that_is_full_at_once_leaves_no_file(tmp_path) -> None:
    path = tmp_path / "trace"
    assert full(path, 10) == f"The trace cannot be written to {path}: File too large. Name another file for --trace.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_byte_order_mark_before_a_trace_is_no_matter() -> None:
    assert list(parse(io.BytesIO(b"\xef\xbb\xbf" + HEAD))) == []


def test_a_last_line_that_was_cut_is_left_out() -> None:
    whole = b'{"time":0,"name":"session","what":"started","data":{},"raw":""}\n'
    assert len(list(parse(io.BytesIO(HEAD + whole + whole[:20])))) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b'{"time":"now","name":"session","what":"","data":{},"raw":""}\n',
        b'{"time":0,"name":"kitchen:in","what":"","data":{},"raw":""}\n',
        b'{"time":0,"name":"framer:up","what":"","data":{},"raw":""}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{"a":1},"raw":""}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{},"raw":"0"}\n',
        b'{"time":0,"name":"keys:in","what":"","data":{},"raw":""}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{},"raw":"","group":1}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{},"raw":"00","spans":[["a",0,1,""]]}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{},"raw":"00","spans":[["a",-1,1,"",""]]}\n',
        b'{"time":0,"name":"framer:in","what":"","data":{},"raw":"00","spans":{}}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_line_that_is_no_event_is_named(line) -> None:
    with pytest.raises(Usage, match="Line 2 of the trace"):
        list(parse(io.BytesIO(HEAD + line)))


@pytest.mark.parametrize("head", [b"", b"{}\n", b'{"plytalk_trace":2}\n', b'{"qlog_version":"0.3"}\n'])
def test_what_is_no_trace_is_refused(head) -> None:
    with pytest.raises(Usage):
        list(parse(io.BytesIO(head)))


def refused_in_words_or_read(tail: bytes) -> bool:
    """Whether what follows the head is read as events, or refused with its line number and without raw characters."""
    try:
        events = list(parse(io.BytesIO(HEAD + tail)))
    except Usage as refusal:
        return refusal.sentence.isprintable() and bool(re.search(r"line \d+", refusal.sentence, re.IGNORECASE))
    return all(isinstance(event, TraceEvent) for event in events) and len(events) <= tail.count(b"\n") + 1


@given(st.binary(max_size=400))
def test_whatever_comes_is_refused_in_words_or_read(tail) -> None:
    assert refused_in_words_or_read(tail)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    )
)
def test_any_json_is_refused_in_words_or_read(value) -> None:
    assert refused_in_words_or_read(json.dumps(value).encode() + b"\n")
