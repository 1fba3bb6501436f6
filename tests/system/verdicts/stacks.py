"""The stacks of the matrix, by name."""

from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import Scenario, scenarios


def stack_named(name: str, registry: Registry | None = None) -> Scenario:
    """A setup of the matrix."""
    [found] = [scenario for scenario in scenarios(registry or Registry()) if scenario.name == name]
    return found
