"""What a layer offers besides its contract is found wrong where it is half or misshapen."""

import pytest

from plytalk.core.contracts.kinds import KINDS
from plytalk.core.registry.registry import Registry
from plytalk.testing import check_layer
from plytalk.testing.offers import PROTOCOLS, _members, check_offers
from plytalk.testing.parts import GivenKeys, Nowhere, PlainWords, Unsealed


def but(base: type, **members: object) -> type:
    return type("Odd", (base,), {"name": "odd", "__doc__": "Odd.", **members})


def test_every_installed_layer_offers_whole_protocols() -> None:
    registry = Registry()
    for layer in [registry.layer(kind, name) for kind in KINDS for name in registry.names(kind)]:
        check_offers(layer)


def test_the_protocols_are_small() -> None:
    assert len(PROTOCOLS) > 10
    assert [protocol for protocol in PROTOCOLS if not 1 <= len(_members(protocol)) <= 2] == []


async def ready(self: object, role: object, secret: object) -> tuple[()]:
    return ()


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (but(Nowhere, ready=lambda self, role, secret: ()), "`ready` of the transport `odd` is not `async`"),
        (but(GivenKeys, fields=lambda self, kind, payload: []), r"`DescribesBytes`: its `fields` takes other arguments"),
        (but(PlainWords, fields=lambda self: []), r"`DescribesBytes`: its `fields` takes other arguments"),
        (but(Nowhere, admit=lambda self, key, name: ""), "`AdmitsKeys`: its `check_admit` is missing"),
        (but(Nowhere, revoking=classmethod(lambda cls, key, folder: {})), "`RevokesKeys`: its `knowing` is missing"),
    ],
)
def test_what_is_half_or_misshapen_is_named(layer: type, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_layer(layer)


def test_what_is_whole_passes() -> None:
    check_layer(but(Nowhere, ready=ready))
    check_layer(but(GivenKeys, fields=lambda self, message: []))
    check_layer(but(Unsealed, seal_each=staticmethod(lambda ciphers, plaintext, failed: [])))
