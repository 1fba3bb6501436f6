"""The offers of this user: from the command to the last byte that is sent."""

import asyncio
import secrets
import threading
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import Sender, notify
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.public_key import parse_fingerprint
from plytalk.core.contracts.sanitise import clean, shorten
from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import (
    OFFERS,
    FileKind,
    FileReply,
    Offering,
    Refusal,
    Taken,
    Withdrawal,
    parse_number,
    parse_opening,
    say,
)
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.files.piped import Piped
from plytalk.plugins.files.reading import Source
from plytalk.plugins.files.sending import Pump, Sending, is_key
from plytalk.plugins.files.sending_once import SendingOnce
from plytalk.plugins.files.source import hashing, make_offer, open_source
from plytalk.plugins.files.transfer_context import TransferContext
from plytalk.plugins.files.transfer_errors import TransferError
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.room_events import MOST_NAME
from plytalk.plugins.rooms.ui_events import sender_of

ANSWERED = 10.0
"""The time that a server may take to answer an offer, in seconds. A server without file transfer never answers."""
MOST_MADE = 100
"""The largest number of this user's offers that are remembered."""
MOST_LEFT_OUT = 10
"""The largest number of things left out of a folder that are named."""


class MadeOffers:
    """All offers of one user, by their numbers."""

    def __init__(self, context: TransferContext) -> None:
        self._context = context
        self.all: dict[int, Sending] = {}
        self._pump: Pump | None = None
        self._disk: DiskThread | None = None
        self._answers: dict[int, asyncio.Future[int]] = {}

    # -- connections ------------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Make the open offers again over a new connection."""
        assert self._context.link
        self._pump = Pump(self._context.link, lambda: [one for one in self.all.values() if one.streams])
        for one in self.all.values():
            if one.stands:
                self._offer(one)

    def disconnect(self) -> None:
        if self._pump:
            self._pump.stop()
            self._pump = None
        for one in self.all.values():
            one.cut()

    async def close(self) -> None:
        for answer in self._answers.values():
            answer.cancel()
        for one in self.all.values():
            if one.stands:
                one.close()
        if self._disk:
            await self._disk.end(lambda: None)

    # -- what the user does -----------------------------------------------------------------------------------------------

    async def send(self, path: str, to: str | None = None) -> Sending:
        """Offer a file or folder, or an open stream. Raises ChatError."""
        if to is not None and len(to := to.encode(errors="replace").decode()) > MOST_NAME:  # a server ends the chat over it
            raise Usage(f"No member here has the name '{shorten(to)}'.", "/who lists the members.")
        if to is not None and is_key(to):
            try:
                parse_fingerprint(to)
            except ValueError as error:
                raise Usage(f"{shorten(to)} is not a key: {error}.") from None
        if isinstance(path, Piped):
            return await self._make(SendingOnce(next(self._context.numbers), path, to, self._context.changed, self._wake))
        left_out: list[str] = []
        stop = threading.Event()
        preparing = asyncio.ensure_future(asyncio.to_thread(_prepared, path, left_out.append, stop))
        try:
            source, tree = await asyncio.shield(preparing)
        except asyncio.CancelledError:
            stop.set()
            await _let_go(preparing)
            raise
        if len(left_out) > MOST_LEFT_OUT:
            left_out[MOST_LEFT_OUT:] = [f"{len(left_out) - MOST_LEFT_OUT:,} more are left out."]
        for sentence in left_out:
            notify(self._context.ui, sentence)
        number = next(self._context.numbers)
        self._disk = self._disk or DiskThread()
        file = make_offer(source, tree)
        return await self._make(Sending(number, secrets.token_hex(16), source, tree, file, to, self._disk, self._context.changed))

    async def _make(self, sending: Sending) -> Sending:
        self._forget_one()
        self.all[sending.number] = sending
        if self._context.link:
            await self._answered(sending)
        sending.change(TransferState.OFFERED)
        return sending

    def _forget_one(self) -> None:
        over = [number for number, one in self.all.items() if not one.stands]
        if len(self.all) >= MOST_MADE and over:
            del self.all[over[0]]
            self._context.forget(over[0])

    async def _answered(self, sending: Sending) -> None:
        """Make an offer, and wait for the server's answer. Raises Usage, also if the member that it is for is away."""
        answer = self._answers[sending.number] = asyncio.get_running_loop().create_future()
        self._offer(sending)
        try:
            async with asyncio.timeout(ANSWERED):
                members = await answer
        except TimeoutError:
            self._drop(sending)
            raise Usage("The server does not answer: it may not know files.") from None
        if sending.key and not members:
            self._context.send(say(Withdrawal(number=sending.number)))
            self._drop(sending)
            raise Usage(f"No member here has the key {sending.key}.", "/who lists the members.")

    def _offer(self, sending: Sending) -> None:
        file = msgspec.to_builtins(sending.file)
        key = sending.key or ((sending.whom.key or "") if sending.whom else None)
        self._context.send(say(Offering(number=sending.number, id=sending.id, file=file, to=sending.to, key=key)))

    def cancel(self, sending: Sending) -> None:
        """Take an offer back."""
        self._context.send(say(Withdrawal(number=sending.number)))
        sending.close()
        sending.change(TransferState.CANCELLED)

    def _drop(self, sending: Sending) -> None:
        sending.close()
        self.all.pop(sending.number, None)
        self._answers.pop(sending.number, None)

    # -- what the server says ---------------------------------------------------------------------------------------------

    def understand(self, said: Taken | Refusal | FileReply) -> None:
        """Handle an answer about one of these offers."""
        sending = self.all.get(said.number)
        if sending is None:
            return
        answer = self._answers.pop(said.number, None)
        if isinstance(said, FileReply):
            self._replied(sending, said.state, sender_of(said.sender, self._context.ui.raw))
        elif isinstance(said, Refusal):
            self._refused(sending, clean(said.text), answer)
        else:
            sending.whom = sender_of(said.to, self._context.ui.raw) if said.to else None
            sending.to = sending.whom.name if sending.whom and sending.whom.name else sending.to
            sending.taken()
            if answer and not answer.done():
                answer.set_result(said.members)

    def _refused(self, sending: Sending, why: str, answer: "asyncio.Future[int] | None") -> None:
        """Handle a refusal by the server. Tell the user, in the answer to the command if that is still awaited."""
        if answer and not answer.done():
            self._drop(sending)
            answer.set_exception(Usage(why))
        elif sending.stands:
            sending.close()
            sending.change(TransferState.FAILED, why)

    def renamed(self, member: Sender, name: str) -> None:
        """Note that a member has a new name."""
        for one in self.all.values():
            if one.whom and (one.whom.name, one.whom.key) == (member.name, member.key):
                one.whom = replace(one.whom, name=name)
                one.to = name

    def _replied(self, sending: Sending, state: str, by: Sender) -> None:
        """Handle a receiver's reply. It ends an offer to one member."""
        sending.received += state == TransferState.DONE
        if sending.stands and sending.ends_with(state):
            self._context.send(say(Withdrawal(number=sending.number)))
            sending.close()
            sending.state = TransferState(state)
        self._context.show(sending, state, by)

    def stream(self, kind: int, stream: int, payload: Buffer) -> None:
        """Handle an item about an outgoing stream. Raises BadFrame."""
        if kind == FileKind.OPEN:
            self._open(stream, *parse_opening(payload))
            return
        for sending in self.all.values():
            if kind == FileKind.STOP:
                sending.stopped(stream)
                if sending.state is TransferState.FAILED:  # it can be sent only once
                    self._context.send(say(Withdrawal(number=sending.number)))
            elif out := sending.streams.get(stream):
                out.credit += parse_number(payload)
                self._wake()

    def _open(self, stream: int, number: int, at: int, credit: int) -> None:
        if sending := self.all.get(number):
            if refused := sending.serve(stream, at, credit):
                self._context.send(refused)
            self._wake()

    def _wake(self) -> None:
        if self._pump:
            self._pump.wake()


async def _let_go(preparing: "asyncio.Future[tuple[Source, HashTree]]") -> None:
    """Close what a cancelled command has prepared, when the thread ends."""
    await asyncio.wait([preparing])
    if not preparing.exception():
        for one in preparing.result():
            one.close()


def check_count(offers: int) -> None:
    """Raises Usage if a server would refuse some of this number of offers, before any of them is made."""
    if offers > OFFERS:
        raise Usage(f"At most {OFFERS} files or folders can be offered at one time.", "A folder that has them all in it is one.")


def _prepared(path: str, skipped: Callable[[str], None], stop: threading.Event) -> tuple[Source, HashTree]:
    """Open and hash what is sent. Runs in a thread, which ends soon after `stop` is set."""
    source = open_source(path, skipped)
    tree = HashTree(source.size)
    try:
        for _ in hashing(source, tree):
            if stop.is_set():
                raise TransferError("Nobody waits for the file any more.")
    except BaseException:
        source.close()
        tree.close()
        raise
    return source, tree
