"""The scripts of .ci, as far as they can be tried without running everything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from surroundings import ROOT

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash: apt install bash")
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.is_file())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_bash_that_stops_at_an_error(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    assert subprocess.run(["bash", "-n", script]).returncode == 0


def test_the_last_thing_that_ci_does_is_all_tests_so_that_their_summary_is_its_last_line() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1].startswith("./run pytest")
    assert "tests/" not in lines[-1]
    assert "export CI=true" in " ".join(lines)


def interpreter(folder: Path, name: str, version: str) -> None:
    """A Python that says it is of this version."""
    (folder / name).write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo {version}\n')
    (folder / name).chmod(0o755)


def test_each_other_python_from_3_11_on_is_found_once(tmp_path: Path) -> None:
    ours = "{}.{}".format(*sys.version_info)
    others = [version for version in ("3.11", "3.12", "3.13", "3.14") if version != ours]
    pyenv = tmp_path / "pyenv" / "versions"
    for version in (*others, "3.10", "2.7"):
        (pyenv / f"{version}.7" / "bin").mkdir(parents=True)
        interpreter(pyenv / f"{version}.7" / "bin", "python", version)
    (tmp_path / "bin").mkdir()
    interpreter(tmp_path / "bin", f"python{others[0]}", others[0])
    interpreter(tmp_path / "bin", "python3", ours)
    project = tmp_path / "project"
    (project / ".ci").mkdir(parents=True)
    (project / ".venv" / "bin").mkdir(parents=True)
    interpreter(project / ".venv" / "bin", "python", ours)
    shutil.copy(ROOT / ".ci" / "pythons", project / ".ci")
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")}
    run = subprocess.run(
        [project / ".ci" / "pythons", "--list"], env=environment, capture_output=True, text=True, check=True, timeout=180
    )
    listed = dict(line.split(" ", 1) for line in run.stdout.splitlines())
    assert set(listed) >= set(others)
    assert ours not in listed
    assert set(listed) <= {"3.11", "3.12", "3.13", "3.14", "3.15"}
    assert listed[others[0]] == str(tmp_path / "bin" / f"python{others[0]}")
    assert len(run.stdout.splitlines()) == len(listed)
