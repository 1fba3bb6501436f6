"""What a layer offers besides its contract: all of a Protocol or nothing of it, in the form that its users expect."""

import inspect
from typing import Any

from plytalk.core.contracts import audit, optional, sealed_count, spans
from plytalk.core.contracts.layer import Layer
from plytalk.testing.verdict import demand

PROTOCOLS = [
    one
    for module in (optional, audit, sealed_count, spans)
    for one in vars(module).values()
    if getattr(one, "_is_runtime_protocol", False)
]


def check_offers(layer: type[Layer]) -> None:
    """Hold a layer to the optional Protocols of which it has something. Raises AssertionError."""
    for protocol in PROTOCOLS:
        own = _members(protocol)
        if not any(hasattr(layer, name) for name in own):
            continue
        for name in (*own, *(name for base in protocol.__bases__ for name in _members(base))):
            member = f"`{layer.name}` defines a part of `{protocol.__name__}`: its `{name}`"
            demand(hasattr(layer, name), f"{member} is missing, so nobody uses the rest.")
            wanted, found = inspect.getattr_static(protocol, name, None), getattr(layer, name)
            if inspect.isfunction(wanted):
                is_async = inspect.iscoroutinefunction
                demand(is_async(found) or not is_async(wanted), f"{member} is not a coroutine function: write `async def`.")
                demand(_takes(found, wanted), f"{member} takes other arguments than {inspect.signature(wanted)}.")


def _members(protocol: type) -> list[str]:
    functions = [name for name, one in vars(protocol).items() if _is_member(one) and not name.startswith("_")]
    return functions + list(inspect.get_annotations(protocol))


def _is_member(one: Any) -> bool:
    return inspect.isfunction(one) or isinstance(one, property | staticmethod | classmethod)


def _takes(found: Any, wanted: Any) -> bool:
    arguments = len(inspect.signature(wanted).parameters)
    try:
        inspect.signature(found).bind(*range(arguments))
    except TypeError:
        return False
    return True
