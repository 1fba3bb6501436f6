"""The man pages say what --help says, and are clean man(7)."""

import re
import shutil
import subprocess
from pathlib import Path

import generate
import manual
import programs
import pytest
from surroundings import ROOT

from plytalk.cli.main import chat
from plytalk.core.contracts.errors import Exit

MAN = ROOT / "docs" / "man"
COMMANDS = dict(generate.leaves(chat, "chat"))


def rendered(page: Path) -> str:
    """What a reader sees, on one long page without hyphenation; a warning fails."""
    if shutil.which("groff") is None:
        pytest.skip("needs groff: apt install groff-base")
    command = ["groff", "-man", "-Tascii", "-ww", "-P-cbou", "-rcR=1", "-rHY=0", page.name]
    done = subprocess.run(command, cwd=page.parent, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


@pytest.mark.parametrize("line", COMMANDS)
def test_a_page_has_the_words_of_the_help_in_its_order(line: str) -> None:
    told = programs.chat(*line.split()[1:], "--help").stdout.replace("Usage:", "")
    page = rendered(MAN / f"{manual.title(line)}.1")
    following = iter(words(page))
    missing = [word for word in words(re.sub(r"^ *Examples?:$", "", told, flags=re.M)) if word not in following]
    assert missing == []
    assert set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", told)) == set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", page))


def parent(line: str) -> str:
    return line.rpartition(" ")[0]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_page_names_its_command_every_exit_code_and_its_relatives(line: str) -> None:
    page = rendered(MAN / f"{manual.title(line)}.1")
    assert re.search(rf"^NAME\n +{manual.title(line)} +- ", page, flags=re.M)
    told = page.partition("\nEXIT STATUS\n")[2].partition("\nSEE ALSO\n")
    assert [int(code) for code in re.findall(r"^ {7}(\d+) ", told[0], flags=re.M)] == list(Exit)
    related = set(re.findall(r"([\w-]+)\(1\)", told[2].rpartition("\nplytalk ")[0]))
    assert related == {manual.title(other) for other in COMMANDS if line == parent(other) or other == parent(line)}


def test_no_page_is_about_a_command_that_does_not_exist() -> None:
    assert {page.name for page in MAN.iterdir()} == {f"{manual.title(line)}.1" for line in COMMANDS} | {"plytalk.1"}


@pytest.mark.parametrize("text", [".so /etc/passwd", "'br", r"\fB", "a-b `c` ~ ^ '", "Zoë: “ja”"])
def test_every_character_stands_for_itself(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.1"
    page.write_text(f".TH X 1\n.SH NAME\n{manual.escaped(text)}\n")
    if shutil.which("groff") is None:
        pytest.skip("needs groff: apt install groff-base")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou", page], capture_output=True, text=True, check=True)
    assert text in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("man") is None, reason="needs man: apt install man-db")
@pytest.mark.parametrize("name", ["chat", "chat-serve", "plytalk"])
def test_man_formats_it_without_a_warning(tmp_path: Path, name: str) -> None:
    (tmp_path / "man1").symlink_to(MAN)
    environment = programs.ENVIRONMENT | {"MANPATH": str(tmp_path), "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["man", "--warnings", name], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "SYNOPSIS" in done.stdout
