"""Measure cells of the matrix with one line of our own code changed. A separate program, so that nothing else is changed.

echo '{"file": ..., "old": ..., "new": ..., "cells": [[stack, attack, seed], ...]}' | python weakened.py
python weakened.py --chat '{"file": ..., "old": ..., "new": ...}' serve ...      runs `chat` with the change
"""

import json
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Weakened(SourceFileLoader):
    """Compiles a module from its text with one place changed."""

    def __init__(self, name: str, path: str, old: str, new: str) -> None:
        super().__init__(name, path)
        self.old, self.new = old, new

    def get_code(self, fullname):
        text = Path(self.path).read_text()
        assert text.count(self.old) == 1, f"{self.path} has {text.count(self.old)} times: {self.old}"
        return compile(text.replace(self.old, self.new), self.path, "exec")


class Finder:
    """Finds the one module that is to be weakened, before anybody else does."""

    def __init__(self, file: str, old: str, new: str) -> None:
        self.file, self.old, self.new, self.met = (ROOT / file).resolve(), old, new, False

    def find_spec(self, name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or not spec.origin or Path(spec.origin).resolve() != self.file:
            return None
        self.met = True
        spec.loader = Weakened(name, spec.origin, self.old, self.new)
        return spec


def told(cell) -> str:
    """What is to be known of a cell that is not as it should be."""
    return (cell.record.error if cell.record else "") or "; ".join(cell.log)


def weaken(weakening: dict) -> Finder:
    """From now on the module is imported with the change."""
    finder = Finder(weakening["file"], weakening["old"], weakening["new"])
    sys.meta_path.insert(0, finder)
    return finder


def chat(change: str, arguments: list[str]) -> int:
    """`chat` with the change."""
    weaken(json.loads(change))
    from plytalk.cli.main import main

    sys.argv[1:] = arguments
    return main()


def main() -> None:
    weakening = json.load(sys.stdin)
    finder = weaken(weakening)
    sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "support")]
    from verdicts.stacks import stack_named

    from plytalk.core.registry.registry import Registry
    from plytalk.lab.attacks.matrix import measure

    host, found = Registry(), []
    for stack, cells in groupby(weakening["cells"], lambda cell: cell[0]):
        for _, attack, seed in cells:
            measured = measure([stack_named(stack, host)], [host.attack(attack)], [seed])
            found.append([[cell.predicted, cell.measured, told(cell)] for cell in measured])
    assert finder.met, f"nobody imported {weakening['file']}"
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--chat"]:
        sys.exit(chat(sys.argv[2], sys.argv[3:]))
    main()
