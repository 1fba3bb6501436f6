"""One target under atheris: `python -m tests.system.fuzz.one TARGET [FLAGS AND FOLDERS OF libFuzzer]`. `fuzz.run` starts it."""

import sys

import atheris

with atheris.instrument_imports(include=["plytalk"]):
    from tests.system.fuzz.targets import TARGETS

if __name__ == "__main__":
    function = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, function)
    atheris.Fuzz()
