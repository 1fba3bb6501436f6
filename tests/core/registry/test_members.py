"""Which members of a layer do not fit its contract, as a sentence with the place and what the contract asks."""

from typing import Any

import pytest

from plytalk import Attack, Cipher, Option
from plytalk.core.contracts.layer import Layer
from plytalk.core.registry.members import fault_of_members
from plytalk.core.registry.registry import Registry
from plytalk.testing import GivenKeys, TypedFrames


def test_every_built_in_layer_fits() -> None:
    layers = [layer for _, layer in Registry().load_all() if isinstance(layer, type) and issubclass(layer, Layer)]
    assert len(layers) > 15
    assert [fault for layer in layers if (fault := fault_of_members(layer))] == []


def but(base: type, **members: Any) -> type:
    return type("Odd", (base,), {"name": "odd", **members})


async def none(self, io):
    return None


async def wrong(self, io) -> bytes:
    return b""


def late(self, io):
    return None


async def listening(self, role, secret):
    return []


async def forever(self):
    yield None, b""


async def closing(self, interceptor, sender):
    return None


def listed(self) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (but(TypedFrames), ""),
        (but(TypedFrames, encode=lambda self, payload: payload), "`encode` of the framer `odd` takes (self, payload); "),
        (but(TypedFrames, encode=lambda self, kind, payload, *more: payload), ""),
        (but(TypedFrames, encode=lambda self, kind, payload, more=0: payload), ""),
        (but(TypedFrames, encode=b""), "is not a method; the contract asks for encode(self, kind: bytes, payload"),
        (but(TypedFrames, frames=listed), "says that it returns list; the contract asks for frames(self) -> Iterator["),
        (but(TypedFrames, unfinished=listed), "`odd` is a method; the contract asks for unfinished, a property."),
        (but(TypedFrames, unfinished=0), ""),
        (but(TypedFrames, limit="8 KiB"), "`limit` of the framer `odd` is '8 KiB'; the contract asks for a value of type int."),
        (
            but(GivenKeys, ready=lambda self, role: []),
            "`odd` takes (self, role); the contract asks for ready(",
        ),
        (but(GivenKeys, ready=late), "`ready` of the handshake `odd` takes (self, io); "),
        (but(GivenKeys, ready=lambda self, role, secret: []), "is not `async`; the contract asks for ready(self, role: Role, "),
        (but(GivenKeys, ready=listening), ""),
        (but(GivenKeys, initiate=none), ""),
        (but(GivenKeys, initiate=late), "is not `async`; the contract asks for initiate(self, io: HandshakeIO)"),
        (but(TypedFrames, encode=none), "takes (self, io); "),
        (
            but(TypedFrames, feed=none),
            "`feed` of the framer `odd` is `async`, but is called without `await`; the contract asks for feed(",
        ),
        (but(TypedFrames, frames=forever), "`frames` of the framer `odd` is `async`, but is called without `await`"),
        (but(GivenKeys, speaks_first="client"), "is 'client'; the contract asks for a value of type Role."),
        (but(GivenKeys, shows="both"), "is 'both'; the contract asks for a value of type Set."),
        (but(GivenKeys, shows=[]), "is []; the contract asks for a value of type Set."),
        (but(Attack, handle_frame=late), "`handle_frame` of the attack `odd` takes (self, io); "),
        (but(Attack, handle_close=closing), "`handle_close` of the attack `odd` is `async`, but is called without `await`"),
        (but(Attack, __init__=lambda self: None), "the constructor of the attack `odd` does not take what it is given, a seed"),
        (but(GivenKeys, initiate=wrong), "says that it returns bytes; the contract asks for initiate("),
        (but(GivenKeys, configured=lambda options: None), "is not a class method"),
        (but(TypedFrames, options=(Option("loud", ""),)), "the constructor of the framer `odd` does not take what it is given"),
        (but(Cipher, __init__=lambda self: None), "does not take what it is given, secrets and role: too many"),
    ],
)
def test_a_member_that_does_not_fit_is_named_with_what_the_contract_asks(layer: type, said: str) -> None:
    fault = fault_of_members(layer)
    assert said in fault
    assert bool(said) == bool(fault)
    assert not fault or "See " in fault


def test_the_place_is_that_of_the_member() -> None:
    line = late.__code__.co_firstlineno
    assert f"See {__file__}:{line}." in fault_of_members(but(GivenKeys, initiate=late))


def test_an_annotation_that_only_a_type_checker_knows_is_no_fault() -> None:
    async def initiate(self: Any, io: Any) -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821
        raise NotImplementedError

    assert fault_of_members(but(GivenKeys, initiate=initiate)) == ""
