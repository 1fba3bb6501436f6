"""`chat plugins new`: a working plugin to start from, made offline out of the files in `new-plugin/`."""

import os
import re
import shutil
from importlib.resources import files
from pathlib import Path
from secrets import token_hex
from string import Template

import click

from plytalk.cli.parameters import FILE
from plytalk.core.contracts.errors import LocalError, Usage
from plytalk.core.contracts.kinds import GROUP, KINDS
from plytalk.core.contracts.sanitise import clean
from plytalk.core.registry.registry import Registry

WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40
NEEDS_CRYPTOGRAPHY = ("cipher", "handshake")
TALKS = ("framer", "handshake", "cipher", "messages")  # a conversation between two ends in memory goes through these

EXAMPLES = """\b
Examples:
  chat plugins new plytalk-cipher-mine --kind cipher
  chat plugins new plytalk-ui-loud --into ~/projects       the kind follows from the name
"""


@click.command(short_help="Start a plugin: one layer that works, with its tests.", epilog=EXAMPLES)
@click.argument("distribution", metavar="plytalk-KIND-NAME")
@click.option("--kind", type=click.Choice(list(KINDS)), help="The kind of layer (default: taken from the name).")
@click.option("--into", type=FILE, default=Path(), help="The folder to make it in (default: the current one).")
def new(distribution: str, kind: str | None, into: Path) -> None:
    """Start a plugin: a distribution with one layer that works, and tests that pass."""
    kind, name = kind_and_name(distribution, kind)
    refuse_taken(kind, name)
    folder = into / distribution
    write(folder, contents(kind, name))
    print(f"Made {folder}: the layer is in {module_of(kind, name)}.py. To install and try it:")
    print(f"  pip install -e {folder}\n  chat plugins --check\n  chat explain --{kind} {name}")


def kind_and_name(distribution: str, kind: str | None) -> tuple[str, str]:
    """What `plytalk-KIND-NAME` says. Raises Usage, with a name that would do."""
    said = distribution.removeprefix(f"{GROUP}-")
    its_kind = next((each for each in KINDS if said.startswith(f"{each}-")), kind or "cipher")
    name = said.removeprefix(f"{its_kind}-")
    if kind and its_kind != kind:
        raise Usage(f"`{clean(distribution)}` is the name of a {its_kind}, and --kind says {kind}.", "Give one of them.")
    if distribution != f"{GROUP}-{its_kind}-{name}" or not WORDS.fullmatch(name) or len(name) > LONGEST:
        words = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:LONGEST].strip("-")
        good = words if WORDS.fullmatch(words) else "mine"
        raise Usage(
            f"`{clean(distribution)}` is not of the form plytalk-KIND-NAME in lowercase letters, digits and single hyphens.",
            f"Try: chat plugins new {GROUP}-{its_kind}-{good}",
        )
    return its_kind, name


def refuse_taken(kind: str, name: str) -> None:
    """Raises Usage if a layer of that name is installed: the new one could not be loaded beside it."""
    if other := Registry().found.get((kind, name)):
        raise Usage(f"There is a {kind} called `{name}` already, from {other.origin}.", "Choose another name.")


def module_of(kind: str, name: str) -> str:
    return f"{GROUP}_{kind}_{name}".replace("-", "_")


def contents(kind: str, name: str) -> dict[str, str]:
    """The files of a new plugin: path to text."""
    module = module_of(kind, name)
    words = {
        "kind": kind,
        "name": name,
        "variable": name.replace("-", "_"),
        "Name": "".join(word.capitalize() for word in (*name.split("-"), kind)),
        "module": module,
        "distribution": f"{GROUP}-{kind}-{name}",
        "dependencies": '"plytalk", "cryptography>=48"' if kind in NEEDS_CRYPTOGRAPHY else '"plytalk"',
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "LICENSE": "LICENSE",
        f"{module}.py": f"{kind}.py",
        f"tests/test_{module}.py": f"test_{kind}.py",
        f"tests/test_{module}_entry_point.py": "test_entry_point.py",  # pytest takes no two files of one name in one run
    }
    if kind in TALKS:
        templates[f"tests/test_{module}_conversation.py"] = "test_conversation.py"
    source = files("plytalk.cli") / "new-plugin"
    return {path: Template((source / f"{name}.txt").read_text("utf-8")).substitute(words) for path, name in templates.items()}


def write(folder: Path, texts: dict[str, str]) -> None:
    """Make the folder with all its files, or nothing. Raises LocalError; nothing that exists is touched."""
    if os.path.lexists(folder):
        raise LocalError(f"{folder} exists already and was left as it is.", "Choose another name, or another folder with --into.")
    new = folder.with_name(f".{folder.name}.{token_hex(8)}.new")
    try:
        for path, text in texts.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, "utf-8", newline="\n")
        new.rename(folder)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LocalError(f"{folder} cannot be made: {why}.", "Choose a folder that you may write in with --into.") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
