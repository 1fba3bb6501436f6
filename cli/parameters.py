"""Kinds of values on the command line and in the environment: addresses, ports, files, and texts.

None of them may be empty: an empty value is what a shell makes of a variable that is not set.
"""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.io.address import Address, parse_address, parse_port
from plytalk.trust.contacts import Contacts
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def completions(names: Iterable[str], incomplete: str) -> "list[CompletionItem]":
    """Those of the names that begin so, for a shell."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class TextType(click.ParamType[str]):
    """A text that says something."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value) if value != "" else self.fail("the value is empty. Give one, or leave it out.", param, ctx)


class FileType(click.Path):
    """The path of a file or folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":  # as a path this would be the folder that the command is in
            self.fail("the path is empty. Give one, or leave it out.", param, ctx)
        return super().convert(value, param, ctx)


class SecondsType(click.FloatRange):
    """A finite number of seconds in a range. A FloatRange accepts `nan`, since every comparison with it is false."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return number if isfinite(number) else self.fail(f"{value!r} is not a number of seconds.", param, ctx)


TEXT, FILE = TextType(), FileType()


class AddressType(click.ParamType[Address]):
    """HOST[:PORT], to connect to."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        try:
            return value if isinstance(value, Address) else parse_address(str(value))
        except Usage as error:
            self.fail(error.sentence, param, ctx)


class ContactType(click.ParamType[str]):
    """HOST[:PORT] or @NAME, as it was written: what it means depends on the transport."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return TEXT.convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        try:
            known = Contacts(user_file("contacts")).all()
        except ChatError:
            return []
        return completions((f"@{contact.name}" for contact in known if contact.address), incomplete)


class PortType(click.ParamType[int]):
    """A port in ASCII digits, where click's own number would take any script's; `lowest` is 0 where any free one will do."""

    name = "port"

    def __init__(self, lowest: int) -> None:
        self._lowest = lowest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_port(str(value), self._lowest)
        except Usage as error:
            self.fail(error.sentence, param, ctx)


class RuleType(click.ParamType[tuple[str, str]]):
    """OLD=NEW: a word and what takes its place, which may be nothing."""

    name = "rule"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        old, equals, new = str(value).partition("=")
        return (old, new) if old and equals else self.fail(f"{value!r} is not OLD=NEW, such as noon=midnight.", param, ctx)
