"""A handshake that the fuzzer has never seen (tests/lab/fuzz/signed_dh.py), with and without planted faults."""

import importlib.util
import sys
from itertools import count
from pathlib import Path

from plytalk import Handshake

FOLDER = Path(__file__).parents[1] / "lab" / "fuzz"
SOURCE = (FOLDER / "signed_dh.py").read_text()
_numbers = count()


def planted() -> list[tuple[str, str, str]]:
    """The planted faults: a name, the text that is in the source, and the faulty text."""
    faults = []
    for block in (FOLDER / "planted_faults.txt").read_text().split("\n== ")[1:]:
        name, *lines = block.rstrip("\n").split("\n")
        right, wrong = ("\n".join(line[3:] for line in lines if line.startswith(mark)) for mark in ("--", "++"))
        faults.append((name, right, wrong))
    return faults


def unseen(folder: Path, right: str = "", wrong: str = "") -> type[Handshake]:
    """The handshake, from a module in `folder`, with one text replaced by another."""
    assert right in SOURCE, right
    file = folder / f"unseen_handshake_{next(_numbers)}.py"
    file.write_text(SOURCE.replace(right, wrong) if right else SOURCE)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    made: type[Handshake] = module.SignedDh
    return made
