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
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT / "src", capture_output=True, text=True, timeout=180)
    assert done.stdout == "['typing']\n" or "plytalk." not in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_the_docs_import_nothing_else(page: Path) -> None:
    imported = set(re.findall(r"^ *(?:from|import) (plytalk[.\w]*)(?= import|$)", page.read_text(), re.M))
    assert imported <= {"plytalk", "plytalk.testing"}


# -- what is written for others imports nothing else ----------------------------------------------------------------------

WRITTEN_FOR_OTHERS = ("README.md", "docs/**/*.md", "examples/**/*.md", "examples/**/*.py", "cli/new-plugin/*.txt")
HISTORY = "docs/decisions"


def private_imports(text: str) -> set[str]:
    """The modules of plytalk that a program, or one on a page, imports without a promise that they stay."""
    imported = re.findall(r"^\s*(?:>>> |\.\.\. )?(?:from|import) (plytalk(?:\.\w+)*)\b(?=[ ,\n]|$)", text, re.MULTILINE)
    return set(imported) - {"plytalk", "plytalk.testing"}


def test_examples_templates_and_pages_import_nothing_but_the_public_api() -> None:
    files = [file for pattern in WRITTEN_FOR_OTHERS for file in ROOT.glob(pattern) if HISTORY not in file.as_posix()]
    assert {"bot.py", "plytalk_cipher_xor.py", "cipher.py.txt", "howto-plugin.md"} <= {file.name for file in files}
    assert {file.name: found for file in files if (found := private_imports(file.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from plytalk.core.contracts.cipher import Cipher",
        "    from plytalk.trust import identity",
        "import plytalk.core.contracts.cipher",
        ">>> import plytalk.plugins.rooms.hub as hub",
        "from plytalk.testing.parts import PlainWords",
    ],
)
def test_the_look_for_private_imports_finds_them(line: str) -> None:
    assert private_imports(f"import plytalk\n{line}\nfrom plytalk import Cipher\nfrom plytalk.testing import check_cipher\n")
