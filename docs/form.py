"""The form of what docs/generate.py writes: tables, signatures and docstrings as Markdown."""

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import ModuleType

from plytalk.core.contracts.properties import Property


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    written = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([written[0], "|" + " --- |" * len(lines[0]), *written[1:]])


def code(text: str) -> str:
    return f"`{text}`"


def listed(given: Iterable[Property]) -> str:
    return ", ".join(str(prop) for prop in Property if prop in set(given))


def amount(value: float) -> str:
    return f"{value:,}".removesuffix(".0")


def oneline(doc: str | None) -> str:
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def signature(function: Callable[..., object]) -> str:
    """The `def` line, without the noise of annotations as strings."""
    prefix = "async " if inspect.iscoroutinefunction(function) else ""
    shown = re.sub(r"'([^']+)'", r"\1", str(inspect.signature(function)))
    shown = re.sub(r"\b(?:plytalk(?:\.[a-z_]+)+|collections\.abc|typing)\.", "", shown)
    return f"{prefix}def {function.__name__}{shown}"


def told_in(module: ModuleType, name: str = "") -> dict[str, str]:
    """The docstrings below the attributes of a class of this module, or of the module itself, in their order."""
    body = ast.parse(inspect.getsource(module)).body
    told = {}
    for one, text in pairwise(next((one.body for one in body if isinstance(one, ast.ClassDef) and one.name == name), body)):
        if isinstance(one, ast.Assign | ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            target = one.target if isinstance(one, ast.AnnAssign) else one.targets[0]
            told[ast.unparse(target)] = oneline(str(text.value.value))
    return told


def prose(documented: object) -> str:
    """A docstring as Markdown: a class drawn in it, and what is indented, is code."""
    lines: list[str] = []
    coding = False
    for line in inspect.cleandoc(documented.__doc__ or "").splitlines():
        if line and not coding and line.startswith(("    ", "class ")):
            lines.append("```python")
            coding = True
        elif line and coding and not line.startswith((" ", "class ")):
            lines[-1:] = ["```", ""]  # in place of the empty line between
            coding = False
        lines.append(line)
    return "\n".join([*lines, "```"] if coding else lines)
