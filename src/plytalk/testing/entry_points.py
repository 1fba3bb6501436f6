"""`check_entry_points`: whether plytalk finds what a distribution brings."""

import tomllib
from pathlib import Path

from plytalk.core.contracts.kinds import GROUP
from plytalk.core.contracts.layer import Layer
from plytalk.core.registry.discovery import Point
from plytalk.core.registry.registry import Registry
from plytalk.testing.verdict import demand, judged


@judged
def check_entry_points(pyproject: Path, *layers: type[Layer]) -> None:
    """Load what the `pyproject.toml` of a distribution names: it must be these layers, and nothing may be wrong with them.

    Raises AssertionError. The modules must be importable.
    """
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    points = [Point(name, value) for name, value in project.get("entry-points", {}).get(GROUP, {}).items()]
    demand(points, f"{pyproject} has no entry point in the group `{GROUP}`, so nobody finds the plugin.")
    registry = Registry(points=points)
    found = [layer for _, layer in registry.load_all()]
    demand(not registry.problems, " ".join(problem.error.sentence for problem in registry.problems))
    names = [layer.name for layer in layers]
    demand(found == list(layers), f"The entry points bring {[each.name for each in found]}, and not {names}.")
