"""The transfers of a user, outgoing and incoming, over all connections of the conversation.

After a cut, open offers are made again, and the rest of each accepted file is asked for.
"""

from collections.abc import Callable

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.ui import Ui
from plytalk.plugins.files.file_items import FileKind, FileReply, Offering, Refusal, Taken, Withdrawal, parse, understand
from plytalk.plugins.files.heard_offers import HeardOffers
from plytalk.plugins.files.made_offers import MadeOffers
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.receiving_states import RUNNING
from plytalk.plugins.files.sending import FileLink, Sending
from plytalk.plugins.files.transfer_context import TransferContext
from plytalk.plugins.files.transfer_states import TransferState

FROM_SENDER = (FileKind.DATA, FileKind.PROOF, FileKind.END, FileKind.FAIL)
FROM_RECEIVER = (FileKind.CREDIT, FileKind.OPEN, FileKind.STOP)


class Transfers:
    """All transfers of one user. `ui` shows them; `me` returns the user's current name and key."""

    def __init__(self, ui: Ui, me: Callable[[], Myself], file_options: ReceiveOptions) -> None:
        self._context = TransferContext(ui, me, file_options)
        self.made, self.heard = MadeOffers(self._context), HeardOffers(self._context)

    def connect(self, link: FileLink) -> None:
        """Continue over a new connection to a server."""
        self._context.link = link
        self.made.connect()

    def disconnect(self) -> None:
        """Interrupt all transfers until the next connection."""
        self._context.link = None
        self.made.disconnect()
        self.heard.disconnect()

    async def close(self) -> None:
        """End all transfers. Received parts are kept, to be continued another time."""
        self.disconnect()
        await self._context.close()
        await self.made.close()
        await self.heard.close()

    def hear(self, body: bytes) -> None:
        """Handle an item from the server. Raises BadFrame."""
        kind, stream, payload = parse(body)
        if kind in FROM_SENDER:
            self.heard.stream(kind, stream, payload)
        elif kind in FROM_RECEIVER:
            self.made.stream(kind, stream, payload)
        elif kind == FileKind.SAY:
            said = understand(payload)
            if isinstance(said, Offering | Withdrawal):
                self.heard.understand(said)
            elif isinstance(said, Taken | Refusal | FileReply):
                self.made.understand(said)

    async def cancel(self, number: int | None = None) -> Sending | Receiving:
        """Cancel a transfer or withdraw an offer; without a number, the last one. Raises Usage."""
        going_on = [one for one in self.all() if one.state in RUNNING or (isinstance(one, Sending) and one.stands)]
        chosen = [one for one in going_on if number in (None, one.number)]
        if not chosen:
            raise self._not_cancelled(number)
        if isinstance(one := chosen[-1], Receiving):
            await self.heard.cancel(one)
        else:
            self.made.cancel(one)
        return one

    def _not_cancelled(self, number: int | None) -> Usage:
        """Return the error for a transfer that cannot be cancelled."""
        one = next((one for one in self.all() if one.number == number), None)
        if one is None:
            return Usage("No such transfer goes on.", "/transfers lists them.")
        if one.state is TransferState.OFFERED:
            return Usage(f"You have not accepted {clean(one.file.name)}.", f"/decline {number} says that you do not want it.")
        return Usage(f"{clean(one.file.name)} does not go on: {one.state}.", "/transfers lists all.")

    def renamed(self, member: Sender, name: str) -> None:
        """Note that a member has a new name."""
        self.made.renamed(member, name)
        self.heard.renamed(member, name)

    def all(self) -> list[Sending | Receiving]:
        """Return all transfers in the order of their numbers."""
        every: dict[int, Sending | Receiving] = {**self.made.all, **self.heard.all}
        return [every[number] for number in sorted(every)]
