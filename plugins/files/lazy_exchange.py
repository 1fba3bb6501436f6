"""The exchange of a server, created when the first file is offered: most servers never need it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plytalk.plugins.files.exchange import Exchange
    from plytalk.plugins.files.feeds import PackItems


class LazyExchange:
    """`find` gives the member of a name, or raises ChatError; `pack` makes records of items; `own_key` is the server's."""

    def __init__(self, find: Callable[[str], Any], pack: "PackItems", own_key: str | None) -> None:
        self._find, self._pack, self._own_key = find, pack, own_key
        self.made: Exchange | None = None

    def hear(self, member: Any, body: bytes) -> None:
        """A member has sent an item about a file. Raises BadFrame."""
        if self.made is None:
            from plytalk.plugins.files.exchange import Exchange

            self.made = Exchange(self._find, self._pack, self._own_key)
        self.made.hear(member, body)

    def entered(self, member: Any) -> None:
        """A member has come into a room."""
        if self.made and member.room:
            self.made.entered(member)

    def left(self, member: Any, cut: bool = False, moves: bool = False) -> None:
        """A member leaves its room; `cut` says that it may come back, `moves` that it goes to another room."""
        if self.made:
            self.made.left(member, cut, moves)
