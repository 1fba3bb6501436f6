"""The offers of others to this user: from the offer to the file on the disk."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import count

import msgspec
from msgspec.structs import replace as replaced

from plytalk.core.contracts.errors import BadFrame, ChatError, Usage
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.file_items import (
    STREAMS,
    FileKind,
    FileReply,
    Offering,
    Withdrawal,
    parse_failure,
    parse_proof,
    say,
)
from plytalk.plugins.files.manifest import FileOffer, check_offer
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.receiving_states import GIVEN_UP, RUNNING, not_chosen
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.transfer_context import TransferContext
from plytalk.plugins.files.transfer_errors import explained
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.ui_events import sender_of

MOST_HEARD = 100
"""The largest number of offers by other members that are remembered."""


class HeardOffers:
    """All offers to one user, by the user's numbers for them."""

    def __init__(self, context: TransferContext) -> None:
        self._context = context
        self.all: dict[int, Receiving] = {}
        self._folder: SafeFolder | None = None
        self._streams = count(1)
        self._under_way: set[Receiving] = set()
        self._waiting: list[Receiving] = []
        """Accepted offers that wait: a server carries only a few at once, and a folder receives each content only once."""

    def disconnect(self) -> None:
        """Interrupt all transfers until their senders offer them again: the connection is closed."""
        for one in self.all.values():
            one.stands = False
            if one.state in RUNNING:
                self._withdrawn(one, cut=True)

    async def close(self) -> None:
        for error in await asyncio.gather(*(one.close() for one in self.all.values()), return_exceptions=True):
            if error:  # all others are closed
                raise error
        if self._folder:
            self._folder.close()

    # -- offers -----------------------------------------------------------------------------------------------------------

    def understand(self, said: Offering | Withdrawal) -> None:
        """Handle an offer, or its withdrawal."""
        if isinstance(said, Offering):
            self._hear(said)
            return
        for one in self.all.values():
            if one.remote == said.number and one.stands:
                one.stands = False
                self._withdrawn(one, said.cut)

    @staticmethod
    def _withdrawn(one: Receiving, cut: bool) -> None:
        if one.is_whole:  # everything has arrived, and it gets its name
            return
        if cut and one.state in RUNNING:
            one.interrupt()
        elif one.state in (TransferState.OFFERED, *RUNNING):
            one.end(TransferState.WITHDRAWN)

    def _hear(self, said: Offering) -> None:
        try:
            file = msgspec.convert(said.file, FileOffer)
        except msgspec.ValidationError:
            return
        sender = sender_of(said.sender, self._context.ui.raw)
        if known := self._known(said.id, file, sender):
            self._hear_again(known, said.number, sender)
            return
        self._forget_one()
        if len(self.all) >= MOST_HEARD:  # all are accepted and in progress
            return
        number = next(self._context.numbers)
        one = self.all[number] = Receiving(number, said.number, said.id, file, sender, self._changed, self._give_up)
        try:
            check_offer(file)
        except ChatError as error:  # such as one with a hash function that is not installed here
            one.change(TransferState.FAILED, error.sentence)
            return
        self._offer(one)

    def _offer(self, one: Receiving) -> None:
        """Show an offer to the user, and accept it if an option says so."""
        one.change(TransferState.OFFERED)
        options, key = self._context.file_options, one.sender.key
        if options.yes or (key and key in options.accept_from):
            self._want(one)

    def _hear_again(self, one: Receiving, remote: int, sender: Sender) -> None:
        """Handle an offer that was made again, or is still open, after a cut."""
        one.offered_again(remote)
        one.sender = sender
        if one.unsaid:
            state, one.unsaid = one.unsaid, None
            self._reply(one, state)
        if one.state in RUNNING and not one.is_whole:
            self._want(one)
        elif one.state is TransferState.WITHDRAWN:  # which the user was told
            self._context.start(self._offer_again(one))

    async def _offer_again(self, one: Receiving) -> None:
        await one.let_go()
        if one.stands and one.state is TransferState.WITHDRAWN:
            self._offer(self._once_more(one))

    def _once_more(self, one: Receiving) -> Receiving:
        """Replace a transfer by the same offer, from the beginning."""
        again = self.all[one.number] = one.once_more()
        again.stands = one.stands
        return again

    def _known(self, id: str, file: FileOffer, sender: Sender) -> Receiving | None:
        """Return the transfer of an offer that was made before: before a cut, or by a sender's program that was started again.

        Everybody in the room sees the id of an offer, so only its sender may continue it, with the same content. A file that
        arrived or was declined before a cut is not offered again after it. A program that was started again gives an offer a new
        id; the transfer of the earlier offer is interrupted.
        """
        same = [
            one
            for one in self.all.values()
            if (one.sender.key == sender.key if sender.key else one.sender == sender) and one.file.root == file.root
        ]
        by_id = (one for one in same if one.id == id)
        return next(by_id, None) or next((one for one in same if one.state is TransferState.INTERRUPTED), None)

    def _forget_one(self) -> None:
        idle = [number for number, one in self.all.items() if one.is_over or one.state is TransferState.OFFERED]
        if len(self.all) >= MOST_HEARD and idle:
            del self.all[idle[0]]
            self._context.forget(idle[0])

    def renamed(self, member: Sender, name: str) -> None:
        """Note that a member has a new name."""
        for one in self.all.values():
            if (one.sender.name, one.sender.key) == (member.name, member.key):
                one.sender = replaced(one.sender, name=name)

    # -- what the user does -----------------------------------------------------------------------------------------------

    async def accept(self, number: int | None = None, replace: bool = False) -> Receiving:
        """Accept an offer. Without a number, that is the last one that waits, or else the last one given up. Raises Usage.

        With `replace`, the file replaces one of the same name.
        """
        one = self._chosen(number, *GIVEN_UP)
        await one.let_go()
        if self.all.get(one.number) is one and one.state in GIVEN_UP:
            one = self._once_more(one)
        one.replaces = replace
        one.change(TransferState.ACCEPTED)
        self._want(one)
        if not one.stands:
            one.interrupt()
        return one

    def decline(self, number: int | None = None) -> Receiving:
        """Decline an offer. Raises Usage."""
        one = self._chosen(number)
        self._reply(one, TransferState.DECLINED)
        one.end(TransferState.DECLINED)
        return one

    async def cancel(self, one: Receiving) -> None:
        """Cancel a transfer, and remove what has arrived."""
        await one.cancel()
        self._reply(one, one.state)

    def _reply(self, one: Receiving, state: TransferState) -> None:
        """Send this user's reply to the sender of an offer, now or when there is a connection."""
        if self._context.link and one.stands:
            self._context.send(say(FileReply(number=one.remote, state=state)))
        else:
            one.unsaid = state

    def _chosen(self, number: int | None, *others: TransferState) -> Receiving:
        """Return the offer of this number; without one, the last that waits, or the last in one of these states. Raises Usage."""
        for states in ((TransferState.OFFERED,), others):
            if found := [one for one in self.all.values() if number in (None, one.number) and self._can_begin(one, states)]:
                return found[-1]
        one = self.all.get(number or 0)
        if one is None:
            raise Usage("No such offer waits for an answer.", "/transfers lists all.")
        gone = one.state in (TransferState.OFFERED, *GIVEN_UP) and not one.stands
        raise not_chosen(one.file.name, one.number, TransferState.WITHDRAWN if gone else one.state)

    def _can_begin(self, one: Receiving, states: Sequence[TransferState]) -> bool:
        """Whether an offer in one of these states is open at the server, as far as is known."""
        return one.state in states and (one.stands or self._context.link is None)

    def _want(self, one: Receiving) -> None:
        """Receive what is missing over the current connection, once fewer other transfers are running."""
        if one.state is TransferState.OFFERED:
            one.change(TransferState.ACCEPTED)
        if one not in self._waiting:
            self._waiting.append(one)
        self._begin_next()

    def _begin_next(self) -> None:
        for one in tuple(self._waiting):
            others = self._under_way - {one}
            if (
                one.stands
                and self._context.link
                and len(others) < STREAMS
                and all(one.file.root != other.file.root for other in others)
            ):
                self._waiting.remove(one)
                self._under_way.add(one)
                self._context.start(self._fetch(one))

    def _changed(self, one: Receiving) -> None:
        """Show a new state. If the transfer is over, begin the next one."""
        self._context.changed(one)
        if one.state not in (TransferState.ACCEPTED, TransferState.RECEIVING):
            if one in self._waiting:
                self._waiting.remove(one)
            self._make_place(one)

    def _make_place(self, one: Receiving) -> None:
        if one in self._under_way:
            one.when_let_go(partial(self._made_place, one))  # until then its folder is in use

    def _made_place(self, one: Receiving) -> None:
        if one in self._under_way and not one.is_open:
            self._under_way.remove(one)
            self._begin_next()

    async def _fetch(self, one: Receiving) -> None:
        try:
            if await one.open(self._into(), sync=self._context.file_options.fsync) and self._context.link and one.stands:
                if one.state is TransferState.ACCEPTED:
                    self._context.send(say(FileReply(number=one.remote, state=TransferState.ACCEPTED)))
                one.begin(self._context.link, next(self._streams))
        except Exception as error:
            self._give_up(one, explained(error))
        if not one.is_open:
            self._make_place(one)

    def _into(self) -> SafeFolder:
        """The folder that files are received into, made again if it was removed. Raises NotStored."""
        if self._folder and self._folder.is_removed:
            self._folder.close()
            self._folder = None
        self._folder = self._folder or SafeFolder.at(self._context.file_options.into)
        return self._folder

    # -- what the server sends --------------------------------------------------------------------------------------------

    def stream(self, kind: int, stream: int, payload: Buffer) -> None:
        """Something about a stream in which data comes. Raises BadFrame."""
        one = next((one for one in self.all.values() if one.stream == stream and one.is_open), None)
        if one is None:
            return
        try:
            if kind == FileKind.DATA:
                one.data(payload)
            elif kind == FileKind.PROOF:
                one.proof(*parse_proof(payload))
            elif kind == FileKind.END:
                one.finish(payload, partial(self._finish, one))
            else:
                one.failed(parse_failure(payload))
        except BadFrame:
            raise
        except ChatError as error:
            self._give_up(one, error)

    def _finish(self, one: Receiving) -> None:
        self._reply(one, TransferState.DONE)
        one.end(TransferState.DONE)

    def _give_up(self, one: Receiving, error: ChatError) -> None:
        self._reply(one, TransferState.FAILED)
        one.stop()
        one.end(TransferState.FAILED, error.sentence)
