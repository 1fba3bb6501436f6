"""`check_entry_points`: it finds what is wrong with the entry points of a distribution."""

import sys
from pathlib import Path

import pytest

from plytalk.testing import check_entry_points

MODULE = """
from plytalk import Cipher, hookimpl

class Plain(Cipher):
    "It seals nothing."
    name = "plain"
    def __init__(self, secrets, role): ...
    def seal(self, plaintext): return plaintext
    def open(self, sealed): return sealed

@hookimpl
def layers():
    return [Plain]
"""


def project(folder: Path, monkeypatch: pytest.MonkeyPatch, points: str, module: str = MODULE) -> Path:
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "planted_plain", raising=False)
    (folder / "planted_plain.py").write_text(module)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "x"\n{points}')
    return folder / "pyproject.toml"


RIGHT = '[project.entry-points.plytalk]\ncipher-plain = "planted_plain"'


def test_the_right_entry_point_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path, monkeypatch, RIGHT)
    import planted_plain  # type: ignore[import-not-found]

    check_entry_points(file, planted_plain.Plain)
    with pytest.raises(AssertionError, match=r"bring \['plain'\], and not \[\]"):
        check_entry_points(file)


@pytest.mark.parametrize(
    ("points", "module", "sentence"),
    [
        ("", MODULE, "has no entry point in the group `plytalk`"),
        (RIGHT.replace("cipher-plain", "cipher-other"), MODULE, "brings no cipher-other"),
        (RIGHT.replace("cipher-plain", "plain"), MODULE, "is not called KIND-NAME"),
        (RIGHT, "raise ValueError", "ValueError"),
    ],
)
def test_a_wrong_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: str, module: str, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_entry_points(project(tmp_path, monkeypatch, points, module))
