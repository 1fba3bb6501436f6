"""The hub of a server with rooms: it admits members, moves them between rooms and removes them.

`RoomList` has the rooms, `Directory` the names, and `Returning` the members that may reconnect. `Outbox` sends the events of each
turn of the loop at its end.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.endings import SENTENCES, Ending
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.measures import Measure
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.background import Background
from plytalk.plugins.files.file_words import AT_THE_SERVER
from plytalk.plugins.files.lazy_exchange import LazyExchange
from plytalk.plugins.rooms.budget import Rates, Turns, Unfinished
from plytalk.plugins.rooms.command_member import CommandMember
from plytalk.plugins.rooms.directory import Directory
from plytalk.plugins.rooms.event_log import MOST_BYTES
from plytalk.plugins.rooms.introduction import introduction
from plytalk.plugins.rooms.member import LateListener, Member
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.outbox import Outbox
from plytalk.plugins.rooms.resume import Resume, origin_of
from plytalk.plugins.rooms.returning import Returning
from plytalk.plugins.rooms.room import Pack, Room
from plytalk.plugins.rooms.room_events import Kind, Mark, RoomEvent
from plytalk.plugins.rooms.room_list import RoomList
from plytalk.plugins.rooms.signals import kinds_of
from plytalk.plugins.rooms.subscribers import LineSubscriber
from plytalk.plugins.rooms.typed_command import OURS, Muted, TypedCommand
from plytalk.trust.store_errors import StoreError

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History  # brings a database, which most servers need not

QUEUE = MOST_BYTES
"""A member that has more bytes than this still to be sent is dropped, even if it reads."""
OPERATOR = Mark.OPERATOR.value
STOPPED = (CloseReason.SHUTDOWN, CloseReason.TOO_SLOW)
"""The server's reasons for ending a conversation after which the member may reconnect."""


class Hub:
    """`notice` tells the server's user. A newcomer is sent `backlog` events; a member may send `rate` messages a second.

    `own_key` is the fingerprint of the server's key, None if it has none. `brought` are the commands of other features, by the
    name of the feature. Rooms and members are restored from `history`; if that can no longer be written, `end` ends the server.
    """

    def __init__(
        self,
        pack: Pack,
        notice: Callable[[str], None],
        *,
        first: str,
        backlog: int,
        rate: int,
        moderation: Path | None,
        operator: str | None,
        own_key: str | None,
        brought: Mapping[str, Sequence[Command]],
        auths: Sequence[Authenticator],
        history: "History | None",
        end: Callable[[ChatError], None],
    ) -> None:
        from plytalk.plugins.rooms.room_commands import COMMANDS

        self.loop = asyncio.get_running_loop()
        self.backlog, self.queue = backlog, QUEUE
        self.rates, self.turns = Rates(rate, max(4 * rate, 20)), Turns(self.loop)
        self.unfinished = Unfinished(self._end_unfinished)
        self.loud = 0
        """The number of members that wait because they sent too many bytes."""
        self.notice: Callable[[str], None] = lambda sentence: notice(clean(sentence))
        self.moderation = Moderation(moderation)
        self._operator, self.auths = operator, auths
        self.names = Directory(self.moderation, self.loop)
        self.dropped = 0
        self.returning = Returning(history)
        self.epoch = history.epoch if history else secrets.token_hex(8)
        self.outbox = Outbox(history, end, self.returning.taken_of)
        self.rooms = RoomList(pack, self.outbox.touch, first, backlog, history)
        self.first = self.rooms.first
        self.members: dict[int, LineSubscriber | Member] = {}
        self.parting: LateListener | None = None
        """The server's user, if it has left a room with only one other member."""
        self.entered: Callable[[], None] = lambda: None
        """Called when a member has entered a room, also a muted one or another room than that of the server's user."""
        self._background = Background()
        self.exchange = LazyExchange(self.names.find, pack, own_key)
        self.commands: dict[str, tuple[Command, str]] = {one.name: (one, OURS) for one in (*COMMANDS, *AT_THE_SERVER)}
        for origin, commands in brought.items():
            for one in commands:
                if one.name in self.commands:
                    raise Usage(f"The feature `{origin}` brings the command /{one.name}, which {self.commands[one.name][1]} has.")
                self.commands[one.name] = one, origin

    def measures(self) -> list[Measure]:
        """Metrics of the server."""
        return [
            *self.rooms.measures(),
            Measure("plytalk_members", "Members in all rooms.", len(self.members)),
            Measure("plytalk_dropped_total", "Members removed.", self.dropped, "counter"),
        ]

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.start(work)

    async def stop_commands(self) -> None:
        """Cancel the commands that have not finished."""
        await self._background.stop()

    def close(self) -> None:
        """Write what is not in the history yet, and close it."""
        self.outbox.close()

    def handle_line(self, member: CommandMember, text: str) -> None:
        """Handle a line that is not a plain message: a command, or a line of a muted member."""
        if text.startswith("//"):
            text = text[1:]
        elif text.startswith("/"):
            TypedCommand(self, member, text).run()
            return
        if member.muted:
            member.fail(member.taken, None, Muted("You are muted here: nobody else saw that."))
        else:
            member.speak(text)

    # -- coming and going -------------------------------------------------------------------------------------------------

    def join(self, member: Member, request: Mapping[str, Any]) -> None:
        """Handle a client's request to join or to resume: once for each connection."""
        if member.hears_events or member.session.ending:
            return
        member.hears_events, member.signals = True, kinds_of(request.get("signals"))
        member.origin = origin_of(member.key, request.get("instance"))
        member.muted = self._is_muted(member)
        try:
            room = self.rooms.open(str(request["room"]), not member.muted) if request.get("room") else self.first
        except ChatError as error:
            member.tell(f"{error.sentence} This is {self.first.name}.")
            room = self.first
        if member.room:  # its request came late, and it was admitted as a client without rooms
            self.leave(member, "")
        self.admit(member, room, str(request.get("name") or ""), request.get("resume"))

    def admit(self, member: Member, room: Room | None = None, name: str = "", resume: Any = None) -> None:
        """Let a member into a room, unless its key is banned or its conversation is over."""
        if member.session.ending:
            return
        if member.key and self.moderation.is_banned(member.key):
            self.drop(member, "the key is banned", CloseReason.BANNED)
            return
        room = room or self.first
        back = self.returning.come(member, resume)
        if back and back.room in self.rooms and self.rooms[back.room] is not room:
            room, back = self.rooms[back.room], back.from_the_start()  # it was not told that it had moved there
        member.muted = self._is_muted(member)
        member.marks = member.marks & ~OPERATOR | OPERATOR * member.is_operator
        wanted = "" if member.muted else name  # a muted member cannot make others read a name
        if back and back.name:  # the others have read this name, and the client may not know it yet
            wanted = back.name
        called, why = self.names.choose(member, wanted)
        member.called(called)
        self.members[member.id] = member
        if member.key and self.moderation.is_to_be_noted(member.key):
            self.start(self._note(member.key))
        self.enter(member, room, back, why)

    async def _note(self, key: PublicKey) -> None:
        with suppress(StoreError):  # its name then expires earlier
            await asyncio.to_thread(self.moderation.note, key)

    def _is_muted(self, member: Member) -> bool:
        return member.key is not None and self.moderation.is_muted(member.key)

    def enter(self, member: Member, room: Room, back: Resume | None = None, why: str = "") -> None:
        """Put a member that has a name into a room, and tell everybody. `why` says why its name is not the one it asked for."""
        start = max(room.log.first, room.log.next - self.backlog)  # where a newcomer begins
        resumed = back.start(room, self.epoch) if back else None
        member.room, member.at = room, resumed or start
        member.since = back.since if back and resumed else start
        if not self.outbox.enter(member):
            return
        if member.hears_events:
            missed = back is not None and back.asked and not resumed
            place = {"next": member.at, "now": room.log.next, "taken": member.taken, "missed": missed}
            member.send_object(introduction(member, room, why, do="welcome", epoch=self.epoch, **place))
            room.enter(member, member.at)
        else:
            self._enter_plain(member, room)
        if member.room is room and not member.muted:  # it may have been dropped in the meantime
            room.happen(Kind.JOINED, member)
        self.exchange.entered(member)
        self.loop.call_soon(self.entered)  # after the event

    def introduce(self, member: CommandMember) -> None:
        """Tell a member its name and role, after the events of this turn."""
        self.loop.call_soon(self.loop.call_soon, member.introduce)  # events are sent after what a command schedules

    @staticmethod
    def _enter_plain(member: Member, room: Room) -> None:
        room.flush()  # a newcomer is not sent earlier events
        room.subscribers[member] = None
        entries, member.at = room.log.since(member.at), room.log.next
        for entry in entries:
            if entry.audience is None and member.room is room:
                member.hear(RoomEvent.decode(entry.body))

    def leave(self, member: Member, why: str, cut: bool = False) -> None:
        """Take a member out of its room, and tell the others."""
        if room := member.room:
            self.exchange.left(member, cut, moves=member.id in self.members)
            member.room = None
            room.leave(member)
            if not member.muted:  # a muted member can make nobody read anything
                room.happen(Kind.LEFT, member, why)
            if not len(room):
                self.rooms.emptied(room)

    def remove_member(self, member: Member, ending: Ending) -> None:
        """Remove a member whose conversation has ended."""
        self.unfinished.note(member, 0)
        if self.members.pop(member.id, None) is None:
            return
        self.returning.leave(member)
        self.names.release(member)
        cut = ending.error is not None or ending.code in STOPPED or self.returning.is_replaced(member)  # it may return
        self.leave(member, "the connection was cut" if ending.error else member.last_words, cut)

    def drop(self, member: Member, why: str, reason: CloseReason, by: str = "") -> None:
        """Remove a member, and tell it why. If an operator did it, the member cannot resume."""
        if member.session.ending:
            return
        how = f"{by and f' by {by}'}{why and f': {why}'}"
        sentence = f"You were removed from the server{how}."
        if reason is CloseReason.BANNED:
            sentence = SENTENCES[reason] + (f" The reason given: {why}." if by and why else "")
        if not member.session.acknowledges:  # its goodbye cannot carry a sentence
            member.tell(sentence)
        self.dropped += 1
        if not by or all(isinstance(one, Member) for one in (member.room.subscribers if member.room else ())):
            self.notice(f"{member.name or member.session.address} was removed{how}.")  # otherwise its event shows that
        if reason in (CloseReason.KICKED, CloseReason.BANNED):
            self.returning.forget(member)
        member.session.exit(reason=reason, sentence=sentence)

    def _end_unfinished(self, member: object) -> None:
        if isinstance(member, Member):
            self.drop(member, "too much that it sent was not finished, and the server needs the memory", CloseReason.TOO_SLOW)
            member.session.connection.ignore_rest()

    # -- what is known of keys ------------------------------------------------------------------------------------------------

    def marked(self, key: PublicKey, why: str = "", by: str = "") -> None:
        """Apply a change of a key's bans, mutes or roles to its members. `why` is the reason that `by` gave."""
        self.returning.forget_keys(self.moderation.banned())
        for member in tuple(self.members.values()):
            if isinstance(member, Member) and member.key == key:
                member.muted = self.moderation.is_muted(key)
                self._note_role(member)
                if self.moderation.is_banned(key):
                    self.drop(member, why or ("" if by else "the key is banned"), CloseReason.BANNED, by)

    def _note_role(self, member: Member) -> None:
        """Tell a member that it has become an operator, or is one no longer."""
        if bool(member.marks & OPERATOR) is not member.is_operator:
            member.marks ^= OPERATOR
            self.introduce(member)

    def reread(self) -> None:
        """Reload the operators, bans and mutes, and remove members that are banned now. Raises StoreError."""
        self.moderation.load()
        self.returning.forget_keys(self.moderation.banned())
        for key in {member.key for member in self.members.values() if isinstance(member, Member) and member.key}:
            self.marked(key)

    def is_operator(self, key: PublicKey) -> bool:
        return self.moderation.is_op(key) or self.is_operator_by_option(key)

    def is_operator_by_option(self, key: PublicKey) -> bool:
        """Whether --operator names this key."""
        return key.fingerprint == self._operator

    def holds_role(self, key: PublicKey) -> bool:
        """Whether a place is reserved for this key, as for an operator's."""
        return not self.moderation.is_banned(key) and self.is_operator(key)
