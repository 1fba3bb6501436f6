"""What fuzzing and reading for it found, each by its name."""

import json
import math
import sys
from pathlib import Path

import pytest

from plytalk.cli.inspect import lines
from plytalk.core.contracts.errors import Usage
from plytalk.core.io.address import parse_address
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.capture import addresses
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.trace_file import read
from plytalk.trust.host_keys import KnownHostsFile, host_name

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.system.fuzz.parts import identity  # noqa: E402

HEAD = {"plytalk_trace": 1, "began": "2026-01-31T12:00:00Z", "secrets": False}
EVENT = {"time": 1, "name": "session", "what": "started", "data": {}, "raw": ""}


def trace(path, **changes):
    file = path / "talk.trace"
    file.write_text("".join(json.dumps(line) + "\n" for line in (HEAD, EVENT | changes)))
    return file


def test_many_stars_in_a_host_pattern_are_matched_before_anyone_gets_old(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(f"{'*a' * 100}*b,{'*' * 200}c {identity().public}\n")
    (entry,) = KnownHostsFile(file).entries()
    assert not entry.concerns(host_name("a" * 255, 22))
    assert entry.concerns(host_name("a" * 200 + "b", 22))


@pytest.mark.parametrize("pattern", ["a*b*c", "*", "a?c*", "**c", "*b*", "a*c"])
def test_stars_still_stand_for_anything(tmp_path, pattern):
    file = tmp_path / "known_hosts"
    file.write_text(f"{pattern} {identity().public}\n")
    (entry,) = KnownHostsFile(file).entries()
    assert entry.concerns("abc")
    assert entry.concerns("aabbbc") == (pattern != "a?c*")


def test_a_port_of_hundreds_of_digits_is_not_a_port():
    with pytest.raises(Usage, match="a port is a number from 1 to 65535"):
        parse_address("a.example:" + "1" * 500)


def test_a_capture_of_a_peer_with_thousands_of_digits_for_a_port_has_some_port():
    assert addresses("192.0.2.7:" + "1" * 5000)[2] == addresses("192.0.2.7:none")[2]


@pytest.mark.parametrize("time", [math.nan, math.inf, -1, 1e300, 10**400])
def test_a_trace_from_no_time_is_refused(tmp_path, time):
    with pytest.raises(Usage, match="Line 2"):
        read(trace(tmp_path, time=time))


@pytest.mark.parametrize("name", ["session:in", "framer", "framer:sideways"])
def test_a_trace_with_an_event_that_passed_no_border_is_refused(tmp_path, name):
    with pytest.raises(Usage, match="Line 2"):
        read(trace(tmp_path, name=name))


def test_a_trace_moves_no_cursor():
    (card,) = inspect_frames([TraceEvent("session", "", "\x1b[2J", b"\x1b[2J", {"\x1b[2J": "\x1b[2J"}, 0.0)])
    assert "\x1b" not in "".join(lines(card))
