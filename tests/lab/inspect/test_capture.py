"""Captures: an analyser that is not ours finds whole TCP streams with right checksums and the bytes of the conversation."""

import shutil
import subprocess

import pytest
from msgspec.structs import replace

from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.capture import addresses, capture, checksum

LONG = bytes(range(256)) * 20


def conversation(peer: str, role: str) -> list[TraceEvent]:
    return [
        TraceEvent("session", "", "started", b"", {"peer": peer, "role": role}, 0.0),
        TraceEvent("transport", "out", "bytes", b"hello", {}, 0.001),
        TraceEvent("transport", "in", "bytes", LONG, {}, 0.25),
        TraceEvent("framer", "in", "M", b"not on the wire", {}, 0.25),
        TraceEvent("transport", "in", "end", b"", {}, 1.0),
    ]


def tshark(path, *arguments: str) -> str:
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed (Debian package tshark)")
    run = subprocess.run(["tshark", "-r", path, *arguments], capture_output=True, text=True, check=True, timeout=180)
    return run.stdout


@pytest.mark.parametrize(
    "peer", ["127.0.0.1:7591", "[::1]:8000", "198.51.100.7:5002", "[2001:db8::7]:9000", "/tmp/socket", "memory:server"]
)
@pytest.mark.parametrize("role", ["client", "server"])
def test_an_analyser_finds_one_whole_stream(tmp_path, peer, role) -> None:
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture(conversation(peer, role)))
    checked = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    rows = tshark(path, *checked, "-T", "fields", "-e", "tcp.stream", "-e", "tcp.checksum.status").splitlines()
    assert set(rows) == {"0\t1"}
    assert tshark(path, *checked, "-Y", "tcp.analysis.flags or _ws.malformed") == ""
    followed = tshark(path, "-q", "-z", "follow,tcp,raw,0")
    sent = "".join(line.strip() for line in followed.splitlines() if set(line.strip()) <= set("0123456789abcdef"))
    assert b"hello".hex() in sent
    assert LONG.hex() in sent.replace(b"hello".hex(), "")


def test_two_conversations_are_two_streams(tmp_path) -> None:
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture([*conversation("127.0.0.1:1", "client"), *conversation("127.0.0.1:2", "client")]))
    assert set(tshark(path, "-T", "fields", "-e", "tcp.stream").split()) == {"0", "1"}


def test_conversations_that_go_on_at_once_are_streams_of_their_own(tmp_path) -> None:
    groups = [[replace(event, group=role) for event in conversation("127.0.0.1:1", role)] for role in ("client", "server")]
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture([event for pair in zip(*groups, strict=True) for event in pair]))
    assert set(tshark(path, "-T", "fields", "-e", "tcp.stream").split()) == {"0", "1"}
    assert tshark(path, "-Y", "tcp.analysis.flags or _ws.malformed") == ""


def test_addresses_come_from_the_peer_s_name() -> None:
    assert [str(part) for part in addresses("127.0.0.1:7591")] == ["127.0.0.1", "127.0.0.1", "7591"]
    assert [str(part) for part in addresses("198.51.100.7:5002")] == ["192.0.2.1", "198.51.100.7", "5002"]
    assert [str(part) for part in addresses("nonsense:99999")] == ["192.0.2.1", "192.0.2.2", "7591"]


def test_each_side_has_a_port_of_its_own_where_both_would_have_the_same(tmp_path) -> None:
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture(conversation("127.0.0.1:50000", "client")))
    assert set(tshark(path, "-T", "fields", "-e", "tcp.srcport").split()) == {"40000", "50000"}


def test_the_checksum_is_that_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert checksum(b"\x01") == 0xFEFF
