"""The list of skips is right, and a skip that is not on it fails where CI is set."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import importing
from skips import Skip, listed, unlisted
from surroundings import ROOT

ENTRIES = listed()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.test)
def test_every_entry_is_about_a_test_that_can_skip_with_these_words(entry: Skip) -> None:
    file, _, name = entry.test.partition("::")
    sources = list(ROOT.glob(file))
    assert sources
    assert name.rpartition("::")[2] in sources[0].read_text(encoding="utf-8")
    assert any(
        entry.reason in path.read_text(encoding="utf-8")
        for folder in ("tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert entry.why.endswith(".")


def test_only_the_test_and_the_reason_of_an_entry_are_allowed() -> None:
    entry = Skip("tests/a.py::test_b", "no network", "It needs one.")
    assert unlisted([("tests/a.py::test_b[1]", "this machine has no network here")], [entry]) == []
    assert unlisted([("tests/a.py::test_c", "no network"), ("tests/a.py::test_b", "no tmux")], [entry]) == [
        "tests/a.py::test_c: no network",
        "tests/a.py::test_b: no tmux",
    ]


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)], ids=["elsewhere", "in CI"])
def test_a_skip_that_is_not_on_the_list_fails_in_ci_alone(tmp_path: Path, ci: str, status: int) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(
        "import pytest\n\ndef test_planted():\n    pytest.skip('not today')\n\ndef test_works():\n    assert True\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "CI"},
        **({"CI": ci} if ci else {}),
        **importing(ROOT / "tests" / "support"),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir", tmp_path, planted]
    run = subprocess.run(command, cwd=ROOT / "tests", env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == status, run.stdout + run.stderr
    assert ("not today" in run.stdout) is bool(ci)
    assert " 1 passed, 1 skipped in " in run.stdout.splitlines()[-1]
