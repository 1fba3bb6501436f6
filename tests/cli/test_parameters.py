"""Addresses, ports, files and texts on the command line."""

from collections.abc import Iterator

import click
import pytest

from plytalk.cli.main import chat
from plytalk.cli.parameters import AddressType, ContactType, PortType, SecondsType
from plytalk.cli.stacks import click_option
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.io.address import Address
from plytalk.core.registry.registry import Registry


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


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "-1"])
def test_seconds_are_finite(text: str) -> None:
    with pytest.raises(click.BadParameter):
        SecondsType(0)(text)
    assert SecondsType(0)("1.5") == 1.5


def test_every_option_that_is_a_number_of_seconds_refuses_nan() -> None:
    floats = [one for one in parameters(chat) if isinstance(one.type, click.types.FloatParamType)]
    assert {one.name for one in floats} >= {"ping", "seconds"}
    assert all(isinstance(one.type, SecondsType) for one in floats)


MAY_BE_EMPTY = {
    "prologue",
    "distribution",  # `chat plugins new` says of every wrong name what a right one is
}


def parameters(command: click.Command) -> Iterator[click.Parameter]:
    """Of a command, and of those in it."""
    yield from command.params
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from parameters(inner)


def own_options() -> Iterator[click.Parameter]:
    """What the layers that come with plytalk add."""
    registry = Registry()
    for kind in KINDS:
        for name in registry.names(kind):
            if registry.found[kind, name].distribution == "plytalk":
                yield from (click_option(option, None) for option in registry.layer(kind, name).options)


def test_no_option_takes_an_empty_value() -> None:
    taken = set()
    for param in (*parameters(chat), *own_options()):
        if getattr(param, "is_flag", False):
            continue
        try:
            param.type("", param, click.Context(chat))
        except click.BadParameter:
            continue
        taken.add(param.name)
    assert taken == MAY_BE_EMPTY
