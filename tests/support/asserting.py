"""Which test functions could never fail: those that neither assert anything nor call a helper that does."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
RAISE_THEMSELVES = {"raises", "fail", "warns", "expect", "expect_exact"}  # of pytest and pexpect
TOO_COMMON = {
    "run",
    "serve",
    "session",
    "wait",
    "home",
    "line",
    "status",
    "main",
    "read",
    "receive",
    "message",
    "encrypt",
    "initiate",
    "listen",
}
"""Names that helpers share with functions that assert nothing."""
WAIT_OR_FAIL = {
    "sees",
    "shows",
    "tells",
    "until",
    "holds",
    "wait_until",
    "within",
    "hears",
    "hears_the_end",
}  # of our helpers: what never comes is a failure


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def called(function: ast.AST) -> set[str]:
    """The last names of what is called: `f` in `f()` and in `a.b.f()`."""
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}


def asserts(function: ast.AST) -> bool:
    """Whether it can fail by itself."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or bool(called(function) & RAISE_THEMSELVES)


def helpers(trees: Iterable[ast.AST]) -> set[str]:
    """The names of functions in these files that can fail, and are not tests."""
    return {one.name for tree in trees for one in functions(tree) if not one.name.startswith("test_") and asserts(one)}


def empty_tests(files: Iterable[Path]) -> list[str]:
    """FILE::TEST for each test that asserts nothing. The checks of `plytalk.testing`, `check_...`, raise for what they find."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    known = helpers(trees.values()) | WAIT_OR_FAIL
    known = {name for name in known if name not in TOO_COMMON and not name.startswith("__")}
    return [
        f"{file}::{test.name}"
        for file, tree in trees.items()
        for test in functions(tree)
        if test.name.startswith("test_")
        and not asserts(test)
        and not any(name in known or name.startswith("check_") for name in called(test))
    ]
