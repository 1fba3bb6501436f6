"""Other people's plugins, as they lie in a folder on Python's path once they are installed."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.metadata import MetadataPathFinder
from pathlib import Path

import programs

GOOD = '''
from plytalk import Cipher, hookimpl

class Good(Cipher):
    """A stranger's cipher."""

    name = "{name}"

    def __init__(self, secrets, role):
        pass

    def seal(self, plaintext):
        return plaintext

    def open(self, sealed):
        return sealed

@hookimpl
def layers():
    return [Good]
'''

# What is wrong: the module's text, and words that `chat plugins` must find for it. `{name}` is the name of the entry point.
TROUBLE: Mapping[str, tuple[str, str]] = {
    "import": ("import no_such_module_anywhere\n" + GOOD, "No module named 'no_such_module_anywhere'"),
    "syntax": ("def broken(:\n", "SyntaxError: invalid syntax"),
    "exit": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "signature": (
        GOOD.replace("layers()", "layers(colour)"),
        "the hook `layers` takes (colour); the contract asks for ",
    ),
    "hook": (
        GOOD + "\n@hookimpl\ndef sesion_opened(session): pass\n",
        "`sesion_opened` is marked with `hookimpl`, but no hook has",
    ),
    "raises": (GOOD.replace("return [Good]", "raise ValueError('it rains')"), "ValueError: it rains"),
    "quits": (GOOD.replace("return [Good]", "raise SystemExit"), "SystemExit"),
    "nothing": ("", "it brings nothing"),
    "no-list": (GOOD.replace("return [Good]", "return Good"), "which is not a list"),
    "no-class": (GOOD.replace("return [Good]", "return [Good(None, None)]"), "which is not a layer class"),
    "no-layer": (GOOD.replace("return [Good]", "return [str]"), "which is not a layer class"),
    "no-kind": (GOOD.replace("Cipher", "Layer"), "does not derive from a kind of layer"),
    "lying-kind": (GOOD.replace("    name =", "    kind = 'auth'\n    name ="), "does not derive from a kind of layer"),
    "no-name": (GOOD.replace('    name = "{name}"\n', ""), "has no name"),
    "other-name": (GOOD.replace("{name}", "different"), "it brings cipher-different"),
    "no-method": (GOOD.replace("def seal", "def saal"), "does not define seal"),
    "gives": (GOOD.replace("    name =", "    gives = {{'peace'}}\n    name ="), "gives {'peace'}, which is not a set"),
    "needs": (GOOD.replace("    name =", "    needs = {{'quiet'}}\n    name ="), "needs {'quiet'}, which is not a set"),
    "prefers": (GOOD.replace("    name =", "    prefers = {{'frame': 'raw'}}\n    name ="), "not a mapping of kinds"),
    "options": (GOOD.replace("    name =", "    options = ['loud']\n    name ="), "is not an Option"),
    "caution": (GOOD.replace("    name =", "    caution = 3\n    name ="), "is not text"),
}


BRINGS_COMMAND = """
class Bad(Feature):
    name = "bad"
    commands = (Command("NAME", "Do it.", NAME),)

@hookimpl
def layers():
    return [Bad]
"""
"""The end of a module whose function NAME is the command /NAME of the feature `bad`."""


@contextmanager
def server_with(command: str, text: str, folder: Path) -> Iterator[tuple[programs.Chat, int]]:
    """A server whose feature `bad` brings a command, and its port; `text` is the module that defines the command's function."""
    plant(folder, "plytalk-feature-bad", {"feature-bad": text + BRINGS_COMMAND.replace("NAME", command)})
    environment = programs.home(folder, "server") | programs.importing(folder)
    with programs.started("serve", "--port", "0", "--keep", "--headless", "--feature", "bad", environment=environment) as server:
        yield server, int(server.tells("Listening on ").partition(" with ")[0].rpartition(":")[2])


def plant(folder: Path, distribution: str, modules: Mapping[str, str], version: str = "1.0") -> None:
    """Install a distribution into a folder: entry point name to the text of its module.

    Python then imports these texts, whatever it has imported under the same names or found in the folder before.
    """
    lines = ["[plytalk]"]
    for entry_point, text in modules.items():
        module = f"{distribution}_{entry_point}".replace("-", "_")
        (folder / f"{module}.py").write_text(text)
        sys.modules.pop(module, None)
        lines.append(f"{entry_point} = {module}")
    plant_metadata(folder, distribution, "\n".join(lines) + "\n", version)


def plant_metadata(folder: Path, distribution: str, entry_points: str | bytes, version: str = "1.0") -> None:
    """Only the metadata: whether the modules are there is another matter."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    raw = entry_points.encode() if isinstance(entry_points, str) else entry_points
    (info / "entry_points.txt").write_bytes(raw)
    MetadataPathFinder().invalidate_caches()  # which Python 3.11 leaves out of the next call
    invalidate_caches()  # a folder that changes twice within one tick of its file system's clock looks unchanged


def good(name: str) -> str:
    """The text of a cipher that works."""
    return GOOD.format(name=name)


def bad(trouble: str) -> str:
    """The text of a module with this trouble, for an entry point `cipher-TROUBLE`."""
    return TROUBLE[trouble][0].format(name=trouble)
