"""Addresses and ports on the command line."""

import click
import pytest

from plytalk.cli.parameters import AddressType, ContactType, PortType
from plytalk.core.address import Address


def test_values_are_read_as_everywhere() -> None:
    assert AddressType()("[::1]:8000") == Address("::1", 8000)
    assert AddressType()(Address("::1")) == Address("::1")
    assert PortType(1)("8000") == 8000
    assert PortType(0)("0") == 0
    assert ContactType()("@alice") == "@alice"


@pytest.mark.parametrize(("kind", "text"), [(AddressType(), "host:"), (PortType(1), "0"), (PortType(0), "\u0661")])
def test_what_is_none_is_said_in_words(kind: click.ParamType, text: str) -> None:
    with pytest.raises(click.BadParameter, match="port"):
        kind(text)
