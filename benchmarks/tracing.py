"""What tracing costs a conversation that is not traced: a connection as it is, beside one without any tracing in its source.

The one without is compiled from the same files, with every `if self.tracer:` taken out. The third one is traced, into a
trace that drops what it hears: what the wrapping costs.
"""

import ast
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.pipeline import Make, chat
from plytalk.core.pipeline import connection as connections
from plytalk.core.pipeline import establish as opening
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.tracing import TraceEvent

KINDS = ("without", "off", "on")


class _Without(ast.NodeTransformer):
    """Takes out every statement that asks for the tracer."""

    taken = 0

    def visit_If(self, node: ast.If) -> Any:
        if ast.unparse(node.test) in ("self._tracer", "self.tracer"):
            self.taken += 1
            return None
        return self.generic_visit(node)


def stripped(module: Any) -> dict[str, Any]:
    """The names of a module compiled without tracing. Raises RuntimeError where there was none to take out."""
    tree, without = ast.parse(Path(module.__file__).read_text()), _Without()
    code = compile(ast.fix_missing_locations(without.visit(tree)), module.__file__, "exec")
    if not without.taken:
        raise RuntimeError(f"{module.__name__} does not ask for the tracer any more: change benchmarks/tracing.py with it.")
    names: dict[str, Any] = {"__name__": module.__name__}
    exec(code, names)
    return names


def connection_without() -> type[Connection]:
    """The connection's class, and the opening that it calls, without tracing."""
    names = stripped(connections)
    names["Reading"] = connections.Reading  # the conversation compares it
    made: type[Connection] = names["Connection"]
    made.open.__globals__["Establishment"] = stripped(opening)["Establishment"]
    return made


def unheard(event: TraceEvent) -> None:
    """A trace that drops what it hears."""


async def measure(profile: str, size: int, count: int, tries: int) -> dict[str, list[tuple[float, float]]]:
    """Microseconds a message, out and in: each kind in turn within a try, the first one changing."""
    makers: dict[str, Make] = {"without": connection_without(), "off": Connection, "on": partial(Connection, trace=unheard)}
    chats = {kind: await chat(profile, makers[kind]) for kind in KINDS}
    results: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    order = list(KINDS)
    for _ in range(tries):
        for kind in order:
            results[kind].append(await chats[kind](size, count))
        order.append(order.pop(0))
    return results
