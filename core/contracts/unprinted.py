"""Structs that hold secrets show none of their fields."""

from typing import Any


class Unprinted:
    """A base for structs: neither `repr` nor a program that prints by `__rich_repr__`, such as rich, shows a field."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []
