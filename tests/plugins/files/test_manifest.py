"""What is offered is checked before anything is allocated or made."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.plugins.files.file_limits import MAX_DEPTH, MAX_ENTRIES, MAX_MANIFEST, MAX_NAME, MAX_SIZE
from plytalk.plugins.files.hash_tree import HASH, KNOWN
from plytalk.plugins.files.manifest import Entry, FileOffer, check_manifest, check_offer, encode_entry, entries_of
from plytalk.plugins.files.transfer_errors import BadOffer

ROOT = bytes(range(HASH))


def offer(**changed: Any) -> FileOffer:
    """An offer as it comes from the wire."""
    fields = {"name": "a", "size": 5, "root": ROOT, "hash": KNOWN[0], **changed}
    return msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=FileOffer)


def test_an_offer_goes_over_the_wire_as_it_is() -> None:
    one = offer(mode=0o600, mtime=7, folder=True, head=3, count=2)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=FileOffer) == one
    check_offer(one)
    check_offer(offer())


@pytest.mark.parametrize(
    "changed",
    [
        {"size": -1},
        {"size": MAX_SIZE + 1},
        {"size": 2**64 - 1},
        {"size": float("nan")},
        {"size": float("inf")},
        {"size": 1.5},
        {"size": "5"},
        {"size": True},
        {"root": ROOT[:-1]},
        {"root": ROOT + b"\0"},
        {"root": "text"},
        {"name": "x" * (MAX_NAME + 1)},
        {"name": b"bytes"},
        {"name": None},
        {"hash": "x" * 33},
        {"head": MAX_MANIFEST + 1},
        {"head": -1},
        {"count": MAX_ENTRIES + 1},
        {"count": -1},
        {"mode": 0o10000},
        {"mode": -1},
        {"mtime": 2**62 + 1},
        {"mtime": -(2**62) - 1},
        {"folder": 1},
    ],
)
def test_an_offer_beyond_a_limit_is_not_decoded(changed: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        offer(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"hash": "md5"},
        {"hash": ""},
        {"head": 6, "folder": True},
        {"head": 3},
        {"count": 0},
        {"count": 2},
        {"size": None},
        {"root": None},
        {"size": None, "root": None, "folder": True},
    ],
)
def test_an_offer_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadOffer):
        check_offer(offer(**changed))


def test_an_unfinished_transfer_is_found_again_by_its_content_alone() -> None:
    assert offer().key == offer(name="b", mtime=9, mode=0o600).key
    keys = {offer().key, offer(root=bytes(HASH)).key, offer(size=6).key, offer(folder=True).key, offer(folder=True, head=2).key}
    assert len(keys) == 5
    assert all(len(key) == 32 for key in keys)


ENTRIES = [
    Entry(0, "a", 0o755, 1, None),
    Entry(1, "b", 0o644, -2, 5),
    Entry(1, "c\n\u2028", 0o755, 3, None),
    Entry(2, "d", 0o644, 4, 0),
    Entry(0, "e", 0o644, 5, 7),
]


def encoded(entries: list[Entry]) -> bytes:
    return b"".join(encode_entry(entry) for entry in entries)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = encoded(ENTRIES)
    assert list(entries_of(manifest)) == ENTRIES
    assert json.loads(manifest.splitlines()[0]) == [0, "a", 0o755, 1, None]
    check_manifest(offer(folder=True, head=len(manifest), size=len(manifest) + 12, count=3), entries_of(manifest))
    assert list(entries_of(b"")) == []


@pytest.mark.parametrize("changed", [{"size": 11}, {"size": 13}, {"count": 2}, {"count": 5}])
def test_a_manifest_that_is_not_what_was_offered_is_refused(changed: dict[str, int]) -> None:
    manifest = encoded(ENTRIES)
    right = {"size": 12, "count": 3, **changed}
    with pytest.raises(BadOffer, match="not what was offered"):
        check_manifest(
            offer(folder=True, head=len(manifest), size=len(manifest) + right["size"], count=right["count"]), entries_of(manifest)
        )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b'[0,"a",420,1]',
        b'[0,"a",420,1,5,6]',
        b'[1,"a",420,1,5]',
        b'[-1,"a",420,1,5]',
        b'[64,"a",420,1,5]',
        b"[0,1,420,1,5]",
        b"[0,null,420,1,5]",
        b'[0,["..","a"],420,1,5]',
        b'[0,"a",420,1,-1]',
        b'[0,"a",420,1,NaN]',
        b'[0,"a",420,1,Infinity]',
        b'[0,"a",420,1,1e400]',
        b'[0,"a",420,1,5.5]',
        b'[0,"a",420,1,"5"]',
        b'[0,"a",420,1,true]',
        b'[0,"a",420,1,18446744073709551616]',
        b'[0,"a",420,1,4398046511105]',
        b'[0,"a",4096,1,5]',
        b'[0,"a",-1,1,5]',
        b'[0,"a",420,4611686018427387905,5]',
        b'[0,"a",420,1,' + b"9" * 5000 + b"]",
        b"[" * 5000,
        b'[0,"' + b"x" * (MAX_NAME + 1) + b'",420,1,5]',
        b'[0,"\xff",420,1,5]',
        b'[0,"\\ud800",420,1,5]',
        b'[0,"a",420,1,5] [0,"a",420,1,5]',
    ],
)
def test_a_line_that_is_not_an_entry_is_refused(line: bytes) -> None:
    with pytest.raises(BadOffer):
        list(entries_of(line + b"\n"))


def test_a_manifest_that_does_not_end_with_its_line_is_refused() -> None:
    with pytest.raises(BadOffer):
        list(entries_of(encoded(ENTRIES)[:-1]))


def test_nothing_is_deeper_than_the_folder_before_it() -> None:
    with pytest.raises(BadOffer, match="order"):
        list(entries_of(encoded([Entry(0, "a", 0o644, 0, 5), Entry(1, "b", 0o644, 0, 5)])))
    with pytest.raises(BadOffer, match="order"):
        list(entries_of(encoded([Entry(0, "a", 0o755, 0, None), Entry(2, "b", 0o644, 0, 5)])))
    deep = [Entry(depth, "d", 0o755, 0, None) for depth in range(MAX_DEPTH)]
    assert list(entries_of(encoded(deep))) == deep


def test_a_million_entries_are_refused_before_the_first_is_read() -> None:
    with pytest.raises(BadOffer):
        next(entries_of(b"x\n" * 1_000_000))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(content: bytes) -> None:
    entries: list[Entry] = []
    with suppress(BadOffer):
        entries.extend(entries_of(content))
    assert len(entries) <= content.count(b"\n")
