"""The stacks of the matrix, by name."""

from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import Scenario, find, scenarios


def stack_named(name: str, registry: Registry | None = None) -> Scenario:
    """A setup of the matrix."""
    return find(list(scenarios(registry or Registry())), name)
