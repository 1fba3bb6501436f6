"""Whatever a sender calls a file, it gets one harmless name."""

import os
from itertools import islice
from pathlib import Path

import pytest
from hostile_names import RESERVED, hostile_names
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.safe_names import MAX_BYTES, numbered, safe_name, twin_key


def harmless(name: str) -> bool:
    return (
        0 < len(name.encode()) <= MAX_BYTES
        and name not in (".", "..")
        and not set(name) & set('/\\:*?"<>|')
        and clean(name) == name
        and name == name.rstrip(". ")
        and name.split(".")[0].strip().upper() not in RESERVED
    )


def test_there_are_500_hostile_names() -> None:
    assert len(set(hostile_names())) >= 500


@pytest.mark.parametrize("inside", [True, False])
def test_every_hostile_name_becomes_a_harmless_one_and_stays_as_it_is_then(inside: bool) -> None:
    for text in hostile_names():
        name = safe_name(text, inside=inside)
        assert harmless(name), (text, name)
        assert all(harmless(free) for _, free in islice(numbered(name), 3)), (text, name)
        assert safe_name(name, inside=inside) == name, (text, name)
        assert inside or not name.startswith((".", "-", "~")), (text, name)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("./\\: -~con\0\u0301\u202e")), max_size=400), st.booleans())
def test_any_text_becomes_a_harmless_name(text: str, inside: bool) -> None:
    name = safe_name(text, inside=inside)
    assert harmless(name)
    assert safe_name(name, inside=inside) == name


@pytest.mark.parametrize(
    "name", ["report.pdf", "Ångström.txt", "日本語.txt", "a b (1).tar.gz", "née", "x" * 200, "😀.png", "con tent", "icon"]
)
def test_an_honest_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == safe_name(name, inside=True) == name


def test_inside_a_folder_a_name_may_begin_with_a_dot() -> None:
    assert safe_name(".gitignore", inside=True) == ".gitignore"
    assert safe_name(".bashrc") == "_.bashrc"


def test_a_long_name_keeps_its_extension() -> None:
    assert safe_name("x" * 300 + ".pdf").endswith("x.pdf")
    assert safe_name("é" * 300 + ".tar").endswith("é.tar")


def test_the_number_stands_before_the_extension() -> None:
    assert [name for _, name in islice(numbered("report.pdf"), 3)] == ["report.pdf", "report (1).pdf", "report (2).pdf"]
    assert [name for _, name in islice(numbered(".bashrc", 1), 1)] == [".bashrc (1)"]
    *_, (last, _) = numbered("a")
    assert last == 10_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A", "a"),
        ("é", "e\u0301"),
        ("ﬁ", "FI"),
        ("ß", "SS"),
        ("Σ", "ς"),
        ("Å", "\u212b"),
        ("K", "\u212a"),
        ("ﬀ", "ff"),
        ("\uff21\uff22", "ab"),
    ],
)
def test_twins_have_one_key(one: str, other: str) -> None:
    assert twin_key(one) == twin_key(other)


def test_the_system_takes_every_safe_name(tmp_path: Path) -> None:
    for text in hostile_names():
        (tmp_path / safe_name(text)).touch()
    assert sorted(os.listdir(tmp_path)) == sorted({safe_name(text) for text in hostile_names()})
