"""What others offer to this user: from the offer to the file on the disk."""

import asyncio
from functools import partial

import msgspec

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
from plytalk.plugins.files.receiving import RUNNING, Receiving
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.transfer_context import TransferContext
from plytalk.plugins.rooms.screen import sender_of

MOST_HEARD = 100
"""How many offers of others are remembered."""


class HeardOffers:
    """All offers to one user, by the user's numbers for them."""

    def __init__(self, context: TransferContext) -> None:
        self._context = context
        self.all: dict[int, Receiving] = {}
        self._folder: SafeFolder | None = None
        self._under_way: set[Receiving] = set()
        self._waiting: list[Receiving] = []
        """What is accepted and has to wait: a server carries only so many at once, and a folder the same content once."""

    def disconnect(self) -> None:
        """The connection is over: what goes on waits for its sender to offer it again."""
        for one in self.all.values():
            if one.is_open or one in self._waiting:
                one.interrupt()

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self.all.values()))
        if self._folder:
            self._folder.close()

    # -- offers -----------------------------------------------------------------------------------------------------------

    def understand(self, said: Offering | Withdrawal) -> None:
        """The server tells of an offer, or that it no longer stands."""
        if isinstance(said, Offering):
            self._hear(said)
            return
        for one in self.all.values():
            if one.remote == said.number and said.cut and one.state in RUNNING:
                one.interrupt()
            elif one.remote == said.number and one.state in ("offered", *RUNNING):
                one.end("withdrawn")

    def _hear(self, said: Offering) -> None:
        try:
            file = msgspec.convert(said.file, FileOffer)
        except msgspec.ValidationError:
            return
        sender = sender_of(said.sender, self._context.ui.raw)
        if known := self._known(said.id, file, sender):
            known.offered_again(said.number)
            if known.state in RUNNING:
                self._want(known)
            return
        self._forget_one()
        number = next(self._context.numbers)
        one = self.all[number] = Receiving(number, said.number, said.id, file, sender, self._changed, self._give_up)
        try:
            check_offer(file)
        except ChatError as error:  # such as one with a hash function that is not installed here
            one.change("failed", error.sentence)
            return
        one.change("offered")
        wishes = self._context.wishes
        if wishes.yes or (sender.key and sender.key in wishes.accept_from):
            self._want(one)

    def _known(self, id: str, file: FileOffer, sender: Sender) -> Receiving | None:
        """The offer that has been heard before a cut, or of a program that was started again.

        Everybody in the room sees the id of an offer: only its sender may go on with it, and with the same content. A program
        that was started again gives it another id, and has left what it offered before interrupted.
        """
        same = [
            one
            for one in self.all.values()
            if (one.sender.key == sender.key if sender.key else one.sender == sender)
            and one.file.root == file.root
            and one.state in ("offered", *RUNNING)
        ]
        by_id = (one for one in same if one.id == id)
        return next(by_id, None) or next((one for one in same if one.state == "interrupted"), None)

    def _forget_one(self) -> None:
        idle = [number for number, one in self.all.items() if one.is_over or one.state == "offered"]
        if len(self.all) >= MOST_HEARD and idle:
            del self.all[idle[0]]
            self._context.forget(idle[0])

    # -- what the user does -----------------------------------------------------------------------------------------------

    def accept(self, number: int | None = None, replace: bool = False) -> Receiving:
        """Accept an offer, the last one that waits where no number is given. Raises Usage.

        With `replace` it takes the place of a file that has its name.
        """
        one = self._offered(number)
        one.replaces = replace
        one.change("accepted")
        self._want(one)
        return one

    def decline(self, number: int | None = None) -> Receiving:
        """Say that this user does not want what is offered. Raises Usage."""
        one = self._offered(number)
        self._context.send(say(FileReply(number=one.remote, state="declined")))
        one.end("declined")
        return one

    async def cancel(self, one: Receiving) -> None:
        """Do not want it any more, and remove what has come."""
        await one.cancel()
        self._context.send(say(FileReply(number=one.remote, state=one.state)))

    def _offered(self, number: int | None) -> Receiving:
        waiting = [one for one in self.all.values() if one.state == "offered" and number in (None, one.number)]
        if not waiting:
            raise Usage("No such offer waits for an answer.", "/transfers lists all.")
        return waiting[-1]

    def _want(self, one: Receiving) -> None:
        """Receive what is missing, over the present connection, as soon as fewer others are under way."""
        if one.state == "offered":
            one.change("accepted")
        if one not in self._waiting:
            self._waiting.append(one)
        self._begin_next()

    def _begin_next(self) -> None:
        for one in tuple(self._waiting):
            others = self._under_way - {one}
            if self._context.link and len(others) < STREAMS and all(one.file.root != other.file.root for other in others):
                self._waiting.remove(one)
                self._under_way.add(one)
                self._context.start(self._fetch(one))

    def _changed(self, one: Receiving) -> None:
        """Tell of a new state, and let the next one begin where this one does not go on."""
        self._context.changed(one)
        if one.state not in ("accepted", "receiving"):
            if one in self._waiting:
                self._waiting.remove(one)
            self._make_place(one)

    def _make_place(self, one: Receiving) -> None:
        if one in self._under_way:
            self._under_way.remove(one)
            self._begin_next()

    async def _fetch(self, one: Receiving) -> None:
        try:
            if self._folder is None:
                self._folder = SafeFolder.at(self._context.wishes.into)
            if await one.open(self._folder, sync=self._context.wishes.fsync) and self._context.link:
                if one.state == "accepted":
                    self._context.send(say(FileReply(number=one.remote, state="accepted")))
                one.begin(self._context.link)
        except ChatError as error:
            self._give_up(one, error)
        if not one.is_open:
            self._make_place(one)

    # -- what the server sends --------------------------------------------------------------------------------------------

    def stream(self, kind: int, stream: int, payload: Buffer) -> None:
        """Something about a stream in which data comes. Raises BadFrame."""
        one = next((one for one in self.all.values() if one.remote == stream and one.is_open), None)
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
        self._context.send(say(FileReply(number=one.remote, state="done")))
        one.end("done")

    def _give_up(self, one: Receiving, error: ChatError) -> None:
        self._context.send(say(FileReply(number=one.remote, state="failed")))
        one.stop()
        one.end("failed", error.sentence)
