"""The public API: one flat list, each name in it is there, and importing it costs nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import plytalk
from plytalk.core.contracts import attack, audit, errors, handler, items, optional, sealed_count
from plytalk.core.contracts.kinds import KINDS

ROOT = Path(__file__).resolve().parents[1]


def test_every_name_is_there_and_has_the_name_it_is_exported_by() -> None:
    classes = {name: found for name in plytalk.__all__ if isinstance(found := getattr(plytalk, name), type)}
    assert [name for name, found in classes.items() if found.__name__ != name] == ["FrameKind"]  # another name for `bytes`
    assert set(plytalk.__all__) < set(dir(plytalk))
    assert len(set(plytalk.__all__)) == len(plytalk.__all__)


def test_type_checkers_see_the_same_list() -> None:
    tree = ast.parse(Path(plytalk.__file__).read_text())
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    imported = [(node.module, alias.asname) for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert imported == [(f"plytalk.{home}", name) for name, home in plytalk._HOME.items()]


def test_all_contracts_errors_items_and_optional_protocols_are_in_it() -> None:
    exported = {getattr(plytalk, name) for name in plytalk.__all__}
    missing = [base.__name__ for base in KINDS.values() if base not in exported]
    for module in (attack, audit, errors, handler, items, optional, sealed_count):
        missing += [
            name
            for name, one in vars(module).items()
            if isinstance(one, type) and one.__module__ == module.__name__ and one not in exported
        ]
    assert missing == []


def test_what_is_not_in_it_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Bogus'"):
        plytalk.Bogus  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    script = "import sys; before = set(sys.modules); import plytalk; print(sorted(set(sys.modules) - before - {'plytalk'}))"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT / "src", capture_output=True, text=True, timeout=60)
    assert done.stdout == "['typing']\n" or "plytalk." not in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_the_docs_import_nothing_else(page: Path) -> None:
    imported = set(re.findall(r"^ *(?:from|import) (plytalk[.\w]*)(?= import|$)", page.read_text(), re.M))
    assert imported <= {"plytalk", "plytalk.testing"}
