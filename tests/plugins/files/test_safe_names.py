"""Whatever a sender calls a file, it gets one harmless name."""

import os
import unicodedata
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.safe_names import MAX_BYTES, numbered, safe_name, twin_key

RESERVED = [
    "CON",
    "PRN",
    "AUX",
    "NUL",
    "CONIN$",
    "CONOUT$",
    "CLOCK$",
    *(f"{n}{d}" for n in ("COM", "LPT") for d in "0123456789¹²³"),
]


def hostile_names() -> list[str]:
    """Five hundred and more, of every kind that has done harm."""
    names = [
        "",
        ".",
        "..",
        "...",
        " ",
        ". ",
        " .",
        ".. ",
        "/",
        "\\",
        "//",
        "a/",
        "/a",
        "a/b",
        "a\\b",
        "./a",
        "../a",
        "..\\a",
        "a/..",
        "\0",
    ]
    names += [f"{'../' * depth}etc/passwd" for depth in range(1, 40)]
    names += [f"{chr(92).join(['..'] * depth)}{chr(92)}windows" for depth in range(1, 20)]
    names += [
        "/etc/passwd",
        "//server/share",
        "C:\\boot.ini",
        "C:boot.ini",
        "\\\\?\\C:\\a",
        "\\\\.\\PhysicalDrive0",
        "file:///etc",
        "~",
        "~root/a",
    ]
    names += [
        "/dev/null",
        "/dev/sda",
        "/proc/self/mem",
        "a:stream",
        "a::$DATA",
        ".ssh",
        ".bashrc",
        ".plytalk-0.part",
        "-rf",
        "--help",
        "-",
    ]
    names += [
        spelled
        for name in RESERVED
        for spelled in (name, name.lower(), f"{name}.txt", f"{name} ", f"{name} .txt", f" {name}", f"{name}.")
    ]
    names += (
        [f"a{chr(code)}b" for code in range(0x20)]
        + [chr(code) for code in range(0x20)]
        + [f"a{chr(code)}" for code in range(0x7F, 0xA0)]
    )
    names += [
        f"a{chr(code)}fdp.exe"
        for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD, 0x61C)
    ]
    names += [f"a{chr(code)}" for code in (0xD800, 0xDFFF, 0xE000, 0xFFFE, 0xFFFF, 0x10FFFF, 0x1F600, 0xE0001, 0x301, 0x20DD)]
    names += [
        "a" + "\u0301" * 300,
        "\u0301" * 300,
        "x" * 300,
        "x" * 5000,
        "é" * 300,
        "\U0001f600" * 300,
        "." * 300,
        " " * 300,
        "x" * 300 + ".tar.gz",
    ]
    names += [f"{'x' * length}.pdf" for length in (249, 250, 251, 252, 253, 254, 255, 256, 300)] + [
        "a." + "x" * 300,
        "a" + "." * 300 + "b",
    ]
    names += [
        "a\r\nb",
        "a\x1b[2Jb",
        "a\x1b]0;x\x07",
        "a\x9b2J",
        "a\tb",
        "a\u2028b",
        "a?b",
        "a*b",
        'a"b',
        "a<b>c",
        "a|b",
        "a;rm -rf ~",
        "$(id)",
        "`id`",
        "%2e%2e%2f",
    ]
    names += [
        "\u2024\u2024/",
        "\uff0e\uff0e\uff0fa",
        "\u2215a",
        "\u2044a",
        "\uff3ca",
        "\u29f8a",
        "\u00a0",
        "\u3000",
        "\u3000.",
        "a\u3000",
        "a\u00a0.",
    ]
    names += [unicodedata.normalize(form, "Ångström.txt") for form in ("NFC", "NFD", "NFKC", "NFKD")]
    return names


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
