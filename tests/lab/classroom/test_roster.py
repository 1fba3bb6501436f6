"""The roster: names and keys, refused line by line where it makes no sense."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.lab.classroom.roster import MOST_STUDENTS, bind_key, read_roster, room_of

ERIN = "SHA256:WFrQw5tSDR2Q7m0mP7ctBiPRZ4/XskXlWH4Kk1SFXbs"
FRANK = "SHA256:mFZ2WrW9jenKKQcxO2Fadffjd2f+kgDpD/yxHpkPHoY"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "roster.txt"


def test_names_and_keys_are_read(file: Path) -> None:
    file.write_text(f"# 4b\n\nerin {ERIN}  # left-handed\n  Frank\nO'Neil\n")
    roster = read_roster(file)
    assert [(one.name, one.key, one.room) for one in roster.students] == [
        ("erin", ERIN, "erin"),
        ("Frank", "", "frank"),
        ("O'Neil", "", "student-3"),
    ]
    assert roster.find("erin") is roster.of_key(ERIN)
    assert roster.find("gina") is roster.of_key(FRANK) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names nobody"),
        ("# only a remark\n", "names nobody"),
        ("erin\n../../etc/passwd\n", "Line 2"),
        ("a/b", "Line 1"),
        ("C:\\x", "Line 1"),
        (".erin", "begins and ends"),
        ("admin", "not a name"),
        ("x" * 33, "at most 32"),
        ("x" * 10_000, "at most 32"),
        ("erin\x1b[31m", "Line 1"),
        ("erin\u202e", "Line 1"),
        ("erin smith jones", "a name and"),
        ("erin SHA256:short", "not a fingerprint"),
        ("erin erin", "not a fingerprint"),
        ("erin\nerin", "look alike"),
        ("alice\nA1ice", "look alike"),
        (f"erin {ERIN}\nfrank {ERIN}", "same key"),
        ("\n".join(f"pupil{number:03}x" for number in range(MOST_STUDENTS + 1)), "at most 90"),
        ("#" * 70_000, "more than 65,536"),
        ("erin\rfrank", "carriage return"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(text: str, why: str, file: Path) -> None:
    file.write_bytes(text.encode())
    with pytest.raises(ChatError, match=why) as refused:
        read_roster(file)
    assert "\x1b" not in refused.value.sentence


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for name in (".", "one", "none"):
        with pytest.raises(ChatError):
            read_roster(tmp_path / name)
    with pytest.raises(Usage, match="There is no roster"):
        read_roster(tmp_path / "none")


def test_a_key_is_noted_once_and_what_else_stands_there_is_kept(file: Path) -> None:
    file.write_text("# 4b\nerin  # left-handed\nfrank\n")
    roster = bind_key(file, "erin", ERIN)
    assert [one.key for one in roster.students] == [ERIN, ""]
    assert file.read_text() == f"# 4b\nerin {ERIN}  # left-handed\nfrank\n"
    assert bind_key(file, "erin", FRANK).find("erin").key == ERIN
    with pytest.raises(Usage, match="same key"):
        bind_key(file, "frank", ERIN)
    assert file.read_text() == f"# 4b\nerin {ERIN}  # left-handed\nfrank\n"


def test_a_room_has_a_name_that_a_room_can_have() -> None:
    assert [room_of(name, 4) for name in ("Erin", "a.b-c", "สมชาย", "O'Neil")] == ["erin", "a.b-c", "student-4", "student-4"]
