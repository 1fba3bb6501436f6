"""No layer is special: no code asks whether something comes with plytalk. The check finds planted questions."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMPARES = {"startswith", "endswith", "match", "fullmatch", "search", "removeprefix", "partition", "index", "find", "count"}
"""Methods by which one text is looked for in another."""
NAME_RULE = "is_reserved"
OF_GROUPS = {"group", "section"}
"""What may be compared with the name of the entry-point group, since it is the name of a group."""


def is_our_name(node: ast.AST) -> bool:
    """Whether an expression is the name of our distribution or of our package, or begins with the latter."""
    match node:
        case ast.Constant(value=str(text)):
            return text == "plytalk" or text.startswith(("plytalk.", "plytalk\\", "^plytalk"))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "GROUP"
        case ast.JoinedStr(values=[first, *rest]):
            value = first.value if isinstance(first, ast.FormattedValue) else first
            then = rest[0].value if rest and isinstance(rest[0], ast.Constant) else ""
            return is_our_name(value) and (not isinstance(first, ast.FormattedValue) or str(then)[:1] in (".", "\\", ""))
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(map(is_our_name, parts))
    return False


def asks_for_origin(tree: ast.Module) -> list[int]:
    """The lines that ask whether something comes with plytalk, by the name of its module or of its distribution."""
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
            case ast.Call(func=ast.Attribute(value=text, attr=method), args=given) if method in COMPARES:
                sides = [text, *given]
            case ast.MatchValue(value=value):
                sides = [value]
            case _:
                continue
        names = {getattr(one, "attr", getattr(one, "id", "")) for one in sides}
        if any(map(is_our_name, sides)) and not names & OF_GROUPS:
            lines.append(node.lineno)
    return lines


def without(tree: ast.Module, function: str) -> ast.Module:
    """The same without a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [one for one in node.body if getattr(one, "name", "") != function]
    return tree


ORIGINS = [file for folder in ("core", "trust", "plugins", "lab", "cli") for file in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("file", ORIGINS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_code_asks_whether_a_layer_is_built_in(file: Path) -> None:
    """But for whose a name is that two claim (decision 7), which says nothing of what a layer may do."""
    assert asks_for_origin(without(ast.parse(file.read_text(encoding="utf-8")), NAME_RULE)) == []


def test_who_owns_a_name_is_asked_only_where_two_claim_it() -> None:
    uses = {
        f"{file.stem}.{function.name}"
        for file in ORIGINS
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == NAME_RULE
    }
    assert uses == {"registry._register", "discovery._ours_first"}


@pytest.mark.parametrize(
    "question",
    [
        'layer.__module__.startswith("plytalk.")',
        'layer.__module__.startswith(("plytalk.plugins.", "x"))',
        'module.startswith(f"{GROUP}.")',
        'found.distribution == "plytalk"',
        'layer.__module__.partition(".")[0] == "plytalk"',
        'layer.__module__.split(".")[0] in ("plytalk", "x")',
        '"plytalk." in layer.__module__',
        '"plytalk" != origin',
        r're.match(r"plytalk\.", layer.__module__)',
        r're.match(rf"{GROUP}\.", layer.__module__)',
        're.search("^plytalk", layer.__module__)',
        'module.removeprefix("plytalk.") != module',
        "kinds.GROUP == one.distribution",
    ],
)
def test_a_question_whether_a_layer_is_built_in_is_found(question: str) -> None:
    assert asks_for_origin(ast.parse(f"def asks(layer):\n    return {question}")) == [2]
    assert asks_for_origin(ast.parse('match distribution:\n    case "plytalk":\n        ours = True')) == [2]


def test_what_asks_for_no_origin_is_not_found() -> None:
    fine = """
section == GROUP, point.group == GROUP, distribution.removeprefix(f"{GROUP}-"), re.match(rf"{GROUP}[-_]", name)
import_module(f"plytalk.plugins.ssh.{name}"), getLogger("plytalk.web_socket"), name == "plytalk1"
"""
    assert asks_for_origin(ast.parse(fine)) == []
