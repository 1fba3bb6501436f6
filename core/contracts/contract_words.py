"""What is said of a layer that breaks its contract: its title, and what the contract asks, as a signature."""

import re
from collections.abc import Callable
from inspect import getattr_static, isfunction, signature
from typing import Any

from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer

WORDS = {"auth": "authenticator"}


def title(layer: type[Layer]) -> str:
    return f"The {WORDS.get(layer.kind, layer.kind)} `{layer.name}`"


def asked(kind: str, method: str) -> str:
    """What the contract of a kind of layer asks of a method, as its signature; empty where it knows no such method."""
    contract = contract_of(kind)
    if method not in _members(contract):
        contract = next((one for one in optional_contracts() if method in vars(one) and method[0] != "_"), contract)
    member = getattr_static(contract, method, None)
    if isinstance(member, property):
        return f"{method}, a property"
    function = getattr(member, "__func__", member)
    return written(method, function) if isfunction(function) else ""


def contract_of(kind: str) -> type[Any]:
    """The contract of a kind of layer, or of attacks."""
    if kind in KINDS:
        return KINDS[kind]
    from plytalk.core.contracts.attack import Attack  # the lab's, which a conversation does without

    return Attack


def optional_contracts() -> list[type[Any]]:
    """The Protocols of what a layer may offer besides the contract of its kind."""
    from plytalk.core.contracts import optional  # which imports the kinds of layers

    return [one for one in vars(optional).values() if getattr(one, "_is_protocol", False) and one.__module__ == optional.__name__]


def written(name: str, function: Callable[..., Any]) -> str:
    """A function's name and signature, without the modules of its types."""
    return name + re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(signature(function))).replace("'", "")


def _members(kind: type[Any]) -> set[str]:
    return {name for base in kind.__mro__[:-1] for name in vars(base)}
