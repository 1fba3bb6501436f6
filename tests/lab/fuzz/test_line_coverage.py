import importlib.util
from pathlib import Path
from types import ModuleType

from plytalk.lab.fuzz.line_coverage import LineCoverage, code_lines, constants, forms

SOURCE = """
LIMIT = 77

def sign(number):
    if number < 0:
        return "minus"
    return [b"plus", (1, 2), lambda: 70000]
"""


def load(file: Path) -> ModuleType:
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_notes_the_lines_that_run_and_says_when_there_are_new_ones(tmp_path: Path) -> None:
    file = tmp_path / "signs.py"
    module = load(file)
    with LineCoverage([file]) as coverage:
        assert not coverage.news()
        module.sign(1)
        assert coverage.news()
        module.sign(2)
        assert not coverage.news()
        module.sign(-1)
        assert coverage.news()
    module.sign(-2)
    assert {line for _, line in coverage.lines} == {5, 6, 7}
    assert coverage.lines <= code_lines(file)


def test_other_files_are_not_noted(tmp_path: Path) -> None:
    module = load(tmp_path / "signs.py")
    with LineCoverage([tmp_path / "other.py"]) as coverage:
        module.sign(1)
    assert coverage.lines == set()


def test_constants_are_what_a_message_may_hold(tmp_path: Path) -> None:
    file = tmp_path / "signs.py"
    load(file)
    found = constants(file)
    assert {b"minus", b"plus", bytes([77]), b"\1", b"\0\2", (70000).to_bytes(4, "big")} <= {*found}
    assert (70000).to_bytes(4, "little") in found
    assert len(found) == len(set(found))


def test_a_number_has_a_form_for_each_size_that_holds_it() -> None:
    assert forms(True) == []
    assert forms(-1) == []
    assert forms(None) == []
    assert forms(300)[:2] == [b"\x01\x2c", b"\x2c\x01"]
    assert {len(form) for form in forms(300)} == {2, 4, 8}
