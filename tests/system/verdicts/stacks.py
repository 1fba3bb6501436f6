"""The stacks of the matrix, by name."""

from plytalk.core.registry.registry import Host
from plytalk.lab.attacks.scenario import Setup, setups


def stack_named(name: str, host: Host | None = None) -> Setup:
    """A setup of the matrix."""
    [found] = [setup for setup in setups(host or Host()) if setup.name == name]
    return found
