"""The command for mutation testing, without its long runs."""

import tomllib

import mutation
import pytest
from surroundings import ROOT


@pytest.mark.parametrize("source", mutation.NEAREST)
def test_the_listed_files_and_their_tests_are_there(source: str) -> None:
    assert (ROOT / source).is_file()
    for test in mutation.tests_for(source).split():
        assert (ROOT / test).is_file()


def test_any_other_file_is_tried_with_its_own_tests() -> None:
    assert mutation.tests_for("core/pipeline/handshake_io.py") == "tests/core/pipeline/test_handshake_io.py"


def test_the_configuration_is_one_that_cosmic_ray_reads() -> None:
    read = tomllib.loads(mutation.config("core/stack/selection.py", "main"))["cosmic-ray"]
    assert read["module-path"] == "core/stack/selection.py"
    assert read["test-command"].endswith(mutation.NEAREST["core/stack/selection.py"])
    assert read["filters"]["git-filter"] == {"branch": "main"}
    assert "git-filter" not in tomllib.loads(mutation.config("core/stack/selection.py", None))["cosmic-ray"]["filters"]


def test_changes_that_cannot_be_noticed_are_of_lines_that_are_there() -> None:
    for (source, line), why in mutation.EQUIVALENT.items():
        assert line in [each.strip() for each in (ROOT / source).read_text(encoding="utf-8").splitlines()]
        assert why.endswith(".")


def test_only_sources_are_mutated() -> None:
    assert all(name.startswith(("core/", "trust/", "lab/", "plugins/", "cli/")) for name in mutation.changed_files("HEAD"))
