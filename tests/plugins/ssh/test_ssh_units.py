"""The bytes of ssh in a trace, as OpenSSH and asyncssh make them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_guests import connecting
from taking_part import room

from plytalk.core.contracts.wire import WireUnit
from plytalk.plugins.ssh.guest_stream import GuestStream
from plytalk.plugins.ssh.ssh_units import LONGEST_PACKET, NEWKEYS, cut_packets


def units(said: bytes, piece: int) -> Iterator[WireUnit]:
    cut = cut_packets()
    for at in range(0, len(said), piece):
        yield from cut(said[at : at + piece])


def is_covered(unit: WireUnit) -> bool:
    """Whether every byte has one name."""
    at = 0
    for span in sorted(unit.spans, key=lambda span: span.start):
        if span.start != at or not span.name:
            return False
        at += span.size
    return at == len(unit.data)


async def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The messages of both sides of a login."""
    said = {"in": b"", "out": b""}
    noted = GuestStream._note

    def note(stream: GuestStream, way: str, data: bytes) -> None:
        said[way] += data
        noted(stream, way, data)

    monkeypatch.setattr(GuestStream, "_note", note)
    async with room(tmp_path, doors=["ssh:127.0.0.1:0"], headless=True) as server:
        connection = await connecting(server.guest_addresses[-1], "walter")
        connection.close()
        await connection.wait_closed()
    return said


@pytest.mark.parametrize("piece", [1, 100, 100_000])
async def test_every_byte_has_a_name_however_it_was_cut(piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for way, said in (await spoken(tmp_path, monkeypatch)).items():
        found = [*units(said, piece)]
        assert b"".join(unit.data for unit in found) == said
        assert all(map(is_covered, found))
        names = [unit.name for unit in found]
        assert names[:2] == ["ssh version", "ssh algorithms"], way
        assert names[3] == "ssh new keys from here on"
        assert set(names[4:]) == {"ssh, sealed"}


def test_what_is_not_ssh_is_not_described() -> None:
    with pytest.raises(ValueError, match="not a packet"):
        list(units(b"SSH-2.0-x\r\n" + (LONGEST_PACKET + 1).to_bytes(4, "big") + bytes(100), 1000))
    assert [unit.name for unit in units(b"SSH-2.0-x\n" + bytes([0, 0, 0, 2, 0, NEWKEYS]) + b"x", 4)][-1] == "ssh, sealed"
    assert [unit.name for unit in units(bytes([10, 0, 0, 0, 3, 0, 99, 7]), 8)][-1] == "ssh message 99"
