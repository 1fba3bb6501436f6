"""All rooms of a server, and everybody in them: who may come in under which name, and what goes out at the end of each turn."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plytalk.core.admission import source_of
from plytalk.core.commands import Command
from plytalk.core.endings import SENTENCES
from plytalk.core.errors import ChatError, Usage
from plytalk.core.files import StoreError
from plytalk.core.layers import Authenticator
from plytalk.core.limits import MIB
from plytalk.core.measures import Measure
from plytalk.core.messages import CloseReason
from plytalk.core.opening import is_local
from plytalk.core.public_key import PublicKey
from plytalk.core.sanitise import clean
from plytalk.core.session import Ending
from plytalk.core.words import WORDS
from plytalk.plugins.rooms import names
from plytalk.plugins.rooms.budget import Rates, Turns, Unfinished
from plytalk.plugins.rooms.calls import TypedCommand
from plytalk.plugins.rooms.log import MOST_BYTES, Entry
from plytalk.plugins.rooms.member import Member
from plytalk.plugins.rooms.register import Register
from plytalk.plugins.rooms.resume import Origin, Resume, Taken, origin_of
from plytalk.plugins.rooms.room import Ear, Pack, Room
from plytalk.plugins.rooms.wire import Event, Kind

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History  # brings a database, which most servers need not

KEEP = 1000
"""How many events of a room are kept for members that come back after their connection was cut."""
REMEMBERED = 10_000
"""Of how many members that left it is remembered what they had said, and of how many keys which name they had."""
MAX_ROOMS = 100
"""How many rooms a server has at one time."""
MAX_LOGS = 32 * MIB
"""How many bytes of events all rooms keep together; where there are more, the longest logs are cut in half."""
EMPTY = 600.0
"""How long a room is kept that is empty, in seconds; with a history for good, unless there are too many."""
NAMES_A_DAY = 5
"""How many names one address may have kept in a day."""
LOCAL_NAMES_A_DAY = 50
"""The same for this machine, from which a tunnel or a proxy brings many people."""
DAY = 24 * 3600.0
QUEUE = MOST_BYTES
"""How many bytes a member may be behind before it is dropped, even if it reads."""


class Hall:
    """`notice` tells the server's user; `backlog` is how many events a newcomer is sent, `rate` the messages a second of each.

    `brought` are the commands of other features, by the name of who brought them. What `history` keeps is known again; where it
    cannot keep any more, `end` ends the server.
    """

    def __init__(
        self,
        pack: Pack,
        notice: Callable[[str], None],
        *,
        first: str = "lobby",
        backlog: int = 0,
        rate: int = 20,
        register: Path | None = None,
        operator: str | None = None,
        brought: Mapping[str, Sequence[Command]] | None = None,
        auths: Sequence[Authenticator] = (),
        history: "History | None" = None,
        end: Callable[[ChatError], None] = lambda error: None,
    ) -> None:
        from plytalk.plugins.rooms.commands import COMMANDS

        self.loop = asyncio.get_running_loop()
        self.backlog, self.queue = backlog, QUEUE
        self.rates, self.turns, self.unfinished = (
            Rates(rate, max(4 * rate, 20)),
            Turns(self.loop),
            Unfinished(self._end_unfinished),
        )
        self.loud = 0
        """How many members wait because they sent too many bytes."""
        self.notice: Callable[[str], None] = lambda sentence: notice(clean(sentence))
        self.register = Register(register)
        self._operator, self.auths = operator, auths
        self.dropped = 0
        self._pack = pack
        self._history, self._end = history, end
        self._turn_ends = self._keep_and_flush if history else self._flush
        self.epoch = history.epoch if history else secrets.token_hex(8)
        self.rooms: dict[str, Room] = {}
        self._after = history.after if history else 0
        for kept in history.rooms() if history else ():
            self.rooms[kept.name] = self._make_room(kept.name, kept.after, kept.entries)
            self.rooms[kept.name].topic, self.rooms[kept.name].born = kept.topic, kept.born
        self.first = self.room(first)
        self.owing: list[Member] = []
        self._entered: list[Member] = []
        self.members: dict[int, Ear | Member] = {}
        self._looks: dict[str, Ear | Member] = {}
        self._present: dict[Origin, Member] = {}
        self._taken: OrderedDict[Origin, Taken] = OrderedDict(history.taken() if history else ())
        self._names: OrderedDict[PublicKey, str] = OrderedDict()
        self._freeing: set[Room] = set()
        self._kept_names: dict[object, list[float]] = {}
        self._flushing: dict[Room, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.commands: dict[str, tuple[Command, str]] = {one.name: (one, "plytalk") for one in COMMANDS}
        for origin, commands in (brought or {}).items():
            for one in commands:
                if one.name in self.commands:
                    raise Usage(f"The feature `{origin}` brings the command /{one.name}, which {self.commands[one.name][1]} has.")
                self.commands[one.name] = one, origin

    def room(self, name: str, make: bool = True) -> Room:
        """The room of this name, made if there is none. Raises BadName, and Usage where it cannot be made."""
        name = names.room_name(name)
        if name not in self.rooms:
            if not make:
                raise Usage(f"There is no room {name}, and you are muted here: you cannot make one.", "/rooms lists the rooms.")
            if len(self.rooms) >= MAX_ROOMS:
                self._forget_empty_rooms()
            if len(self.rooms) >= MAX_ROOMS:
                raise Usage(f"There are {MAX_ROOMS} rooms already.", "Join one of them: /rooms lists them.")
            self.rooms[name] = self._make_room(name, self._after)
        return self.rooms[name]

    def _make_room(self, name: str, after: int, entries: Sequence[Entry] = ()) -> Room:
        return Room(name, max(KEEP, self.backlog), self._pack, self.touch, after, entries)

    def _bound_logs(self) -> None:
        if sum(room.log.kept for room in self.rooms.values()) <= MAX_LOGS:
            return
        self._forget_empty_rooms()
        while sum(room.log.kept for room in self.rooms.values()) > MAX_LOGS:
            longest = max((room.log for room in self.rooms.values()), key=lambda log: log.kept)
            longest.shrink(longest.kept // 2)

    def _free(self, room: Room) -> None:
        self._freeing.discard(room)
        if not len(room) and room is not self.first and self.rooms.get(room.name) is room:
            self._after = max(self._after, room.log.next)
            del self.rooms[room.name]

    def count_kept(self, member: Any) -> None:
        """One more name is to be kept for a member. Raises Usage where its address has had enough of them today."""
        if member.is_operator or not isinstance(member, Member):
            return
        peer, now = member.stream.peer, self.loop.time()
        place, most = ("", LOCAL_NAMES_A_DAY) if is_local(peer) else (source_of(peer), NAMES_A_DAY)
        times = [time for time in self._kept_names.get(place, ()) if time > now - DAY]
        if len(times) >= most:
            raise Usage("Too many names were kept from your address today.", "Try again tomorrow, or ask an operator.")
        if len(self._kept_names) >= REMEMBERED:
            self._kept_names.clear()
        self._kept_names[place] = [*times, now]

    def _forget_empty_rooms(self) -> None:
        """Should one be made again, its events have other numbers: who comes back to it learns that something is missing."""
        self._after = max(self._after, *(room.log.next for room in self.rooms.values()))
        before = self.rooms
        self.rooms = {name: room for name, room in before.items() if len(room) or room is self.first}
        if self._history:
            self._history.forget_rooms(before.keys() - self.rooms.keys(), self._after)

    def measures(self) -> list[Measure]:
        """Figures for whoever watches the server."""
        rooms = self.rooms.values()
        return [
            Measure("plytalk_rooms", "Rooms there are.", len(self.rooms)),
            Measure("plytalk_members", "Members in all rooms.", len(self.members)),
            Measure("plytalk_messages_total", "Messages said.", sum(room.messages for room in rooms), "counter"),
            Measure("plytalk_deliveries_total", "Events sent to members.", sum(room.deliveries for room in rooms), "counter"),
            Measure("plytalk_dropped_total", "Members sent away.", self.dropped, "counter"),
        ]

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- each turn --------------------------------------------------------------------------------------------------------

    def touch(self, room: Room) -> None:
        """Something is to be sent to a room: at the end of this turn, with all else that happens in it."""
        if not self._flushing:
            self.loop.call_soon(self._turn_ends)
        self._flushing[room] = None

    def _keep_and_flush(self) -> None:
        if self._keep():
            self._flush()

    def _keep(self) -> bool:
        """Have all that has happened in the file, before anybody is told. False where that is not so, and the server ends."""
        if self._history is None:
            return True
        members = dict.fromkeys((*self.owing, *self._entered))
        spoken = [(member.origin, taken) for member in members if member.origin and (taken := self._taken_of(member))]
        try:
            self._history.write(self._flushing, spoken)
        except StoreError as error:
            self._end(error)
            return False
        self._entered.clear()
        return True

    def _taken_of(self, member: Member) -> Taken | None:
        """How much a member has said that is here, or has just left."""
        if member.room:
            return Taken(member.taken, member.room.name, member.since)
        return self._taken.get(member.origin) if member.origin else None

    def close(self) -> None:
        """Nothing happens any more: keep the last of it."""
        if self._history:
            self._keep()
            self._history.close()
            self._history = None

    def _flush(self) -> None:
        rooms, self._flushing = self._flushing, {}
        owing, self.owing = self.owing, []
        for member in owing:
            member.acknowledge()
        for room in rooms:
            room.flush()
        for member in owing:
            member.owes = False
            member.session.flush()
            member.settle()
        self._bound_logs()

    def heard(self, member: "Member | Any", text: str) -> None:
        """A line that is no plain message: a command, or the words of somebody who is muted."""
        if text.startswith("//"):
            text = text[1:]
        elif text.startswith("/"):
            TypedCommand(self, member, text).run()
            return
        if member.muted:
            member.tell("You are muted here: nobody else saw that.", failed=True)
        else:
            member.speak(text)

    # -- coming and going -------------------------------------------------------------------------------------------------

    def join(self, member: Member, request: Mapping[str, Any]) -> None:
        """What a client asks for when it comes, and when it comes back; once for a connection."""
        if member.wired or member.session.ending:
            return
        member.wired = True
        member.origin = origin_of(member.key, request.get("instance"))
        member.muted = self._is_muted(member)
        try:
            room = self.room(str(request["room"]), not member.muted) if request.get("room") else self.first
        except ChatError as error:
            member.tell(f"{error.sentence} This is {self.first.name}.")
            room = self.first
        if member.room:  # it was slow, and has been in as one that knows no rooms
            self.leave(member, "")
        self.admit(member, room, str(request.get("name") or ""), request.get("resume"))

    def admit(self, member: Member, room: Room | None = None, name: str = "", resume: Any = None) -> None:
        """Let a member into a room, unless its key is banned or its conversation is over."""
        if member.session.ending:
            return
        if member.key and self.register.is_banned(member.key):
            self.drop(member, "the key is banned", CloseReason.BANNED)
            return
        room = self.first if room is None else room  # an empty room is false
        back = None
        if member.origin:
            self._replace(member.origin)
            known = self._taken.pop(member.origin, None)
            back = Resume.of(resume, known) if resume is not None else None
            self._present[member.origin] = member
            member.taken = known.messages if known and resume is not None else 0
            if back and back.room in self.rooms and self.rooms[back.room] is not room:
                room, back = self.rooms[back.room], back.from_the_start()  # it did not hear that it had gone there
        elif resume is not None:
            back = Resume.of(resume, None)
        member.muted = self._is_muted(member)
        member.called(self._named(member, "" if member.muted else name))  # others would read it
        self.members[member.id] = member
        if member.key and self.register.is_to_be_noted(member.key):
            self.start(self._note(member.key))
        self.enter(member, room, back)

    async def _note(self, key: PublicKey) -> None:
        with suppress(StoreError):  # then its name expires earlier
            await asyncio.to_thread(self.register.note, key)

    def _is_muted(self, member: Member) -> bool:
        return member.key is not None and self.register.is_muted(member.key)

    def enter(self, member: Member, room: Room, back: Resume | None = None) -> None:
        """Put a member that has a name into a room, and tell everybody."""
        start = max(room.log.first, room.log.next - self.backlog)  # where a newcomer begins
        resumed = back.start(room, self.epoch) if back else None
        member.room, member.at = room, resumed or start
        member.since = back.since if back and resumed else start
        if self._history:  # only what is kept clears it
            self._entered.append(member)
        if not self._keep():  # what a welcome speaks of has happened
            return
        if member.wired:
            here = [other.name for other in (*room.ears, *room.wired)]
            member.answer(
                do="welcome", room=room.name, epoch=self.epoch, you=member.name, next=member.at, taken=member.taken,
                now=room.log.next, missed=back is not None and back.asked and not resumed, here=here[:100], count=len(here) + 1,
                topic=room.topic, seat=any(not isinstance(ear, Member) for ear in room.ears),
            )  # fmt: skip
            room.enter(member, member.at)
        else:
            self._enter_plain(member, room)
        if member.room is room and not getattr(member, "muted", False):  # it may have been dropped meanwhile
            room.happen(Kind.JOINED, member.name, marks=member.marks, sender=member.id)

    @staticmethod
    def _enter_plain(member: Member, room: Room) -> None:
        room.flush()  # what has happened already is not news for a newcomer
        room.ears[member] = None
        entries, member.at = room.log.since(member.at), room.log.next
        for entry in entries:
            if entry.audience is None and member.room is room:
                member.hear(Event.decode(entry.body))

    def leave(self, member: Member, why: str) -> None:
        """Take somebody out of the room, and tell the others."""
        if room := member.room:
            member.room = None
            room.leave(member)
            if not member.muted:  # a muted member can make nobody read anything
                room.happen(Kind.LEFT, member.name, why, member.marks, member.id)
            if not len(room) and not self._history and room not in self._freeing:
                self._freeing.add(room)
                self.loop.call_later(EMPTY, self._free, room)

    def gone(self, member: Member, ending: Ending) -> None:
        """A conversation is over."""
        self.unfinished.note(member, 0)
        if self.members.pop(member.id, None) is None:
            return
        if (origin := member.origin) and self._present.get(origin) is member:
            del self._present[origin]
            if member.room:
                self._remember(origin, Taken(member.taken, member.room.name, member.since))
        self.forget_name(member)
        self.leave(member, "the connection was cut" if ending.error else "")

    def _remember(self, origin: Origin, taken: Taken) -> None:
        self._taken[origin] = taken
        while len(self._taken) > REMEMBERED:
            forgotten, _ = self._taken.popitem(last=False)
            if self._history:
                self._history.forget(forgotten)

    def _replace(self, origin: Origin) -> None:
        """A member that comes back before we noticed that it had gone takes the place of its old connection."""
        if old := self._present.get(origin):
            old.session.stream.close()
            old.session.exit()

    def drop(self, member: Member, why: str, reason: CloseReason, by: str = "") -> None:
        """Remove a member, and say why. One that an operator removed has nothing to come back to."""
        if member.session.ending:
            return
        how = f"{by and f' by {by}'}{why and f': {why}'}"
        sentence = SENTENCES[reason] if reason is CloseReason.BANNED else f"You were removed from the server{how}."
        if not member.session.acknowledges:  # its goodbye cannot carry a sentence
            member.tell(sentence)
        self.dropped += 1
        self.notice(f"{member.name or member.session.address} was removed{how}.")
        if reason in (CloseReason.KICKED, CloseReason.BANNED):
            self._forget(member)
        member.session.exit(reason=reason, sentence=sentence)

    def _end_unfinished(self, member: object) -> None:
        if isinstance(member, Member):
            self.drop(member, "your message was not finished, and the server needs the room", CloseReason.TOO_SLOW)

    def _forget(self, member: Member) -> None:
        if origin := member.origin:
            self._present.pop(origin, None)
            member.origin = None
            if self._history:
                self._history.forget(origin)

    # -- names ------------------------------------------------------------------------------------------------------------

    def _named(self, member: Member, wanted: str) -> str:
        """The name that was asked for, the one that its key has, or one that is made up."""
        key = member.key
        own = (self.register.name_of(key) or self._names.get(key) or "") if key else ""
        if wanted:
            try:
                return self.take_name(member, wanted)
            except ChatError as error:
                if wanted != own:
                    member.tell(error.sentence)
        made_up = "-".join(WORDS[byte] for byte in key.blob[-2:]) if key else "visitor"
        tries = [own, *(f"{own}-{number}" for number in range(2, 10))] if own else []
        more = (f"{made_up}-{number}" for number in count(2))  # as many as it takes: others may keep any of these
        return next(taken for name in chain(tries, [made_up], more) if (taken := self._try_name(member, name)))

    def _try_name(self, member: Member, name: str) -> str:
        try:
            return self.take_name(member, name)
        except ChatError:
            return ""

    def take_name(self, member: Any, name: str) -> str:
        """Bind a name to a member: as it is written from now on. Raises BadName, also for what looks like another's name."""
        key = member.key
        saved = self.register.name_of(key) if key else None
        name = names.enforce(name)
        if name != saved:  # names that were kept before there were stricter rules stay good
            name = names.new_name(name)
        if any(self._looks.get(shape, member) is not member for shape in names.looks(name)):
            raise names.BadName(f"The name {name!a}, or one that looks like it, is taken.", "Choose another one: /name NAME.")
        if name != saved and self.register.holder(name, key):
            raise names.BadName(f"The name {name!a} belongs to another key.", "Choose another one: /name NAME.")
        self.bind(member, name)
        if key:
            self._names[key] = name
            self._names.move_to_end(key)
            while len(self._names) > REMEMBERED:
                self._names.popitem(last=False)
        return name

    def bind(self, member: Any, name: str) -> None:
        """Let a member be found by a name, and by no other."""
        self.forget_name(member)
        self._looks.update(dict.fromkeys(names.looks(name), member))

    def forget_name(self, member: Any) -> None:
        """Let others have the name of somebody who leaves."""
        if member.name:
            for shape in names.looks(member.name):
                if self._looks.get(shape) is member:
                    del self._looks[shape]

    def find(self, name: str) -> Any:
        """The member of this name. Raises Usage."""
        name = name.removeprefix("@")
        for shape in names.looks(name) if len(name) <= names.MAX_NAME else ():
            member = self._looks.get(shape)
            if member and not names.shapes(member.name).isdisjoint(names.shapes(name)):  # not one that is only like it
                return member
        raise Usage(f"Nobody here is called {name[: names.MAX_NAME]!a}.", "/who lists who is here.")

    def marked(self, key: PublicKey) -> None:
        """What the register says of a key has changed: act on it where its members are."""
        for member in tuple(self.members.values()):
            if isinstance(member, Member) and member.key == key:
                member.muted = self.register.is_muted(key)
                if self.register.is_banned(key):
                    self.drop(member, "the key is banned", CloseReason.BANNED)

    def reread(self) -> None:
        """Go by the register as it is now. Raises StoreError. Who is banned since stays until it leaves."""
        self.register.load()
        for member in self.members.values():
            if isinstance(member, Member) and member.key:
                member.muted = self.register.is_muted(member.key)

    def is_operator(self, key: PublicKey) -> bool:
        return self.register.is_op(key) or key.fingerprint == self._operator

    def holds_role(self, key: PublicKey) -> bool:
        """Whether a place is reserved for this key: an operator's."""
        return not self.register.is_banned(key) and self.is_operator(key)
