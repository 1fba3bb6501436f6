"""What README.md promises in prose; what it shows in consoles is played by test_examples.py."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from surroundings import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
RUN = (ROOT / "run").read_text(encoding="utf-8")
TOOLS = ("sh", "cat", "cksum", "dirname", "sed")  # POSIX has them
OF_THE_FAKE = ("mkdir", "cp", "touch", "echo")
FAKE = """#!/bin/sh
# A Python of version {version} that writes down what it is asked for.
echo "$@" >>"{log}"
case $1 in
-c)
    case $2 in
    *sys.exit*) exit {old} ;;
    *tomllib*) exec "{real}" "$@" ;;
    esac ;;
-m)
    for place; do :; done
    [ "$2" = venv ] && mkdir -p "$place/bin" && cp "$0" "$place/bin/python" && touch "$place/pyvenv.cfg" ;;
esac
exit 0
"""


def test_the_versions_of_python_are_those_that_are_declared_and_checked() -> None:
    versions = set(re.findall(r"Python (3\.\d+) or newer", README))
    assert versions == {"3.11"}
    assert PROJECT["requires-python"] == ">=3.11"
    assert "sys.version_info < (3, 11)" in RUN
    assert all(f"Python {version}" in RUN for version in versions)


def test_the_other_ways_to_install_are_tried_by_ci() -> None:
    assert "`pip install .`, `pipx install .` and\n`uv run chat demo`" in README
    fresh = (ROOT / ".ci" / "fresh-clone").read_text(encoding="utf-8")
    assert all(words in fresh for words in ("./run chat", "(program pipx)", "(program uv)"))
    assert "-m build --wheel" in README  # tests/test_packaging.py builds and installs it
    assert ".ci/fresh-clone" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_no_page_installs_plytalk_by_its_name_from_an_index_that_does_not_have_it() -> None:
    folders = (ROOT / "docs", ROOT / "examples", ROOT / "cli" / "new-plugin")
    pages = [ROOT / "README.md", *(page for folder in folders for page in folder.rglob("*.[mt][dx]*"))]
    named = re.compile(r"(install|uvx|pipx run) (-\S+ )*'?plytalk(?![-\w])")
    assert not [page.name for page in pages if named.search(page.read_text(encoding="utf-8"))]
    assert all(named.search(f"{words} plytalk") for words in ("pip install", "pipx install", "pip install -U", "uvx"))


@pytest.fixture
def machine(tmp_path: Path):
    """Runs `./run` on a machine that has a Python, the tools of POSIX, and nothing else."""
    project, tools, log = tmp_path / "project", tmp_path / "tools", tmp_path / "log"
    project.mkdir()
    tools.mkdir()
    for name in ("run", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, project)
    for name in (*TOOLS, *OF_THE_FAKE):
        (tools / name).symlink_to(str(shutil.which(name)))

    def run(*command: str, old: bool = False) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
        (tools / "python3").write_text(FAKE.format(version="3.10" if old else "3.11", old=int(old), log=log, real=sys.executable))
        (tools / "python3").chmod(0o755)
        done = subprocess.run([project / "run", *command], env={"PATH": str(tools)}, capture_output=True, text=True, timeout=180)
        return done, log.read_text().splitlines() if log.exists() else []

    run.groups = project / ".venv" / "groups.txt"
    return run


@pytest.mark.skipif(os.name != "posix", reason="./run is a shell script")
def test_python_is_all_it_needs(machine) -> None:
    assert "All you need is Python 3.11 or newer" in README
    done, asked = machine("echo", "ready")
    assert done.stdout == "ready\n", done.stderr
    [made] = [words for words in asked if words.startswith("-m venv")]
    [installed] = [words for words in asked if words.startswith("-m pip install")]
    assert made.endswith("/project/.venv")
    assert installed.endswith("/project[passphrase,codes,rooms,files,web,proxy,ssh,lan]")
    assert f"--requirement {machine.groups} " in installed
    assert machine.groups.read_text().splitlines() == [*GROUPS["tests"], *GROUPS["checks"]]
    _, again = machine("echo", "ready")
    assert again == asked  # the environment is made once


@pytest.mark.skipif(os.name != "posix", reason="./run is a shell script")
def test_another_group_is_installed_by_its_name(machine) -> None:
    done, asked = machine("--group", "docs", "bench")
    assert done.returncode == 0, done.stderr
    assert machine.groups.read_text().splitlines() == [*GROUPS["docs"], *GROUPS["bench"]]
    assert asked[-1].endswith(f"--requirement {machine.groups}")


@pytest.mark.skipif(os.name != "posix", reason="./run is a shell script")
def test_an_older_python_is_refused_in_words(machine) -> None:
    done, asked = machine("pytest", old=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("run: needs Python 3.11 or newer")
    assert not [words for words in asked if words.startswith("-m pip")]
