"""The exchange of a server, created when the first file is offered: most servers never need it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.layer import Buffer

if TYPE_CHECKING:
    from plytalk.plugins.files.exchange import Exchange
    from plytalk.plugins.files.feeds import PackItems


class LazyExchange:
    """`find` returns the member with a name, or raises ChatError. `pack` makes records of items. `own_key` is the server's."""

    def __init__(self, find: Callable[[str], Any], pack: "PackItems", own_key: str | None) -> None:
        self._find, self._pack, self._own_key = find, pack, own_key
        self.made: Exchange | None = None

    def hear(self, member: Any, body: bytes) -> None:
        """Handle a member's item about a file. Raises BadFrame."""
        if self.made is None:
            from plytalk.plugins.files.exchange import Exchange

            self.made = Exchange(self._find, self._pack, self._own_key)
        self.made.hear(member, body)

    def hear_data(self, member: Any, stream: int, data: Buffer) -> None:
        """Handle the next bytes of a stream from the server's user, which are not packed into an item. Raises BadFrame."""
        if self.made:
            self.made.hear_data(member, stream, data)

    def entered(self, member: Any) -> None:
        """Send a member that has entered a room the open offers there."""
        if self.made and member.room:
            self.made.entered(member)

    def left(self, member: Any, cut: bool = False, moves: bool = False) -> None:
        """Withdraw the offers of a member that leaves its room. `cut`: it may reconnect. `moves`: it enters another room."""
        if self.made:
            self.made.left(member, cut, moves)
