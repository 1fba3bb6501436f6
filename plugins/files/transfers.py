"""What a user sends and receives: offers made and heard, over all connections of the user's conversation.

After a cut it offers again what this user offers, and asks for the rest of what the user had accepted.
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

FROM_SENDER = (FileKind.DATA, FileKind.PROOF, FileKind.END, FileKind.FAIL)
FROM_RECEIVER = (FileKind.CREDIT, FileKind.OPEN, FileKind.STOP)


class Transfers:
    """All transfers of one user. `ui` shows what happens to them; `me` says who the user is now."""

    def __init__(self, ui: Ui, me: Callable[[], Myself], file_options: ReceiveOptions) -> None:
        self._context = TransferContext(ui, me, file_options)
        self.made, self.heard = MadeOffers(self._context), HeardOffers(self._context)

    def connect(self, link: FileLink) -> None:
        """There is a connection to a server."""
        self._context.link = link
        self.made.connect()

    def disconnect(self) -> None:
        """The connection is over: what goes on waits for the next one."""
        self._context.link = None
        self.made.disconnect()
        self.heard.disconnect()

    async def close(self) -> None:
        """It is all over. What has come of a file is kept, for another time."""
        self.disconnect()
        await self._context.close()
        await self.made.close()
        await self.heard.close()

    def hear(self, body: bytes) -> None:
        """The server has sent an item. Raises BadFrame."""
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
        """End a transfer, or take an offer back: the last one where no number is given. Raises Usage."""
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
        """Why this one cannot be cancelled."""
        one = next((one for one in self.all() if one.number == number), None)
        if one is None:
            return Usage("No such transfer goes on.", "/transfers lists them.")
        if one.state == "offered":
            return Usage(f"You have not accepted {clean(one.file.name)}.", f"/decline {number} says that you do not want it.")
        return Usage(f"{clean(one.file.name)} does not go on: {one.state}.", "/transfers lists all.")

    def renamed(self, member: Sender, name: str) -> None:
        """A member has another name now."""
        self.made.renamed(member, name)
        self.heard.renamed(member, name)

    def all(self) -> list[Sending | Receiving]:
        """All transfers, in their order."""
        every: dict[int, Sending | Receiving] = {**self.made.all, **self.heard.all}
        return [every[number] for number in sorted(every)]
