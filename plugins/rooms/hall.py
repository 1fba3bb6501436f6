"""All rooms of a server, and everybody in them: who may come in under which name, and what goes out at the end of each turn."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from plytalk.core.commands import Command
from plytalk.core.errors import ChatError, Usage
from plytalk.core.layers import Authenticator
from plytalk.core.measures import Measure
from plytalk.core.public_key import PublicKey
from plytalk.core.session import Ending
from plytalk.core.words import WORDS
from plytalk.plugins.rooms import names
from plytalk.plugins.rooms.calls import TypedCommand
from plytalk.plugins.rooms.member import Member
from plytalk.plugins.rooms.register import Register
from plytalk.plugins.rooms.room import Ear, Pack, Room
from plytalk.plugins.rooms.wire import Event, Kind

KEEP = 1000
"""How many events of a room are kept for members that come back after their connection was cut."""
REMEMBERED = 10_000
"""Of how many members that left it is remembered what they had said, and of how many keys which name they had."""
MAX_ROOMS = 100
QUEUE = 1024 * 1024
"""How many bytes a member may be behind before it is dropped."""


class Hall:
    """`notice` tells the server's user; `backlog` is how many events a newcomer is sent, `rate` the messages a second of each.

    `brought` are the commands of other features, by the name of who brought them.
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
    ) -> None:
        from plytalk.plugins.rooms.commands import COMMANDS

        self.loop = asyncio.get_running_loop()
        self.notice, self.backlog, self.rate, self.burst, self.queue = notice, backlog, rate, max(4 * rate, 20), QUEUE
        self.register = Register(register)
        self._operator, self.auths = operator, auths
        self.dropped = 0
        self._pack = pack
        self.epoch = secrets.token_hex(8)
        self.rooms: dict[str, Room] = {}
        self.first = self.room(first)
        self.owing: list[Member] = []
        self.members: dict[int, Ear | Member] = {}
        self._looks: dict[str, Ear | Member] = {}
        self._taken: OrderedDict[tuple[object, str], int] = OrderedDict()
        self._names: OrderedDict[PublicKey, str] = OrderedDict()
        self._flushing: dict[Room, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.commands: dict[str, tuple[Command, str]] = {one.name: (one, "plytalk") for one in COMMANDS}
        for origin, commands in (brought or {}).items():
            for one in commands:
                if one.name in self.commands:
                    raise Usage(f"The feature `{origin}` brings the command /{one.name}, which {self.commands[one.name][1]} has.")
                self.commands[one.name] = one, origin

    def room(self, name: str) -> Room:
        """The room of this name, made if there is none. Raises BadName, and Usage where there are too many."""
        name = names.room_name(name)
        if name not in self.rooms:
            if len(self.rooms) >= MAX_ROOMS:
                self.rooms = {name: room for name, room in self.rooms.items() if len(room) or room is self.first}
            if len(self.rooms) >= MAX_ROOMS:
                raise Usage(f"There are {MAX_ROOMS} rooms already.", "Join one of them: /rooms lists them.")
            self.rooms[name] = Room(name, max(KEEP, self.backlog), self._pack, self.touch)
        return self.rooms[name]

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
            self.loop.call_soon(self._flush)
        self._flushing[room] = None

    def _flush(self) -> None:
        rooms, self._flushing = self._flushing, {}
        owing, self.owing = self.owing, []
        for member in owing:
            member.acknowledge()
        for room in rooms:
            room.flush()

    def heard(self, member: "Member | Any", text: str) -> None:
        """A line that is no plain message: a command, or the words of somebody who is muted."""
        if text.startswith("//"):
            text = text[1:]
        elif text.startswith("/"):
            self.start(TypedCommand(self, member, text).run())
            return
        if member.muted:
            member.tell("You are muted here: nobody else saw that.")
        elif member.room:
            member.room.say(member.id, member.head, member.marks, text.encode(errors="replace"))

    # -- coming and going -------------------------------------------------------------------------------------------------

    def join(self, member: Member, request: Mapping[str, Any]) -> None:
        """What a client asks for when it comes, and when it comes back."""
        member.wired = True
        member.instance = str(request.get("instance", ""))[:64]
        try:
            room = self.room(str(request["room"])) if request.get("room") else self.first
        except ChatError as error:
            member.tell(f"{error.sentence} This is {self.first.name}.")
            room = self.first
        if member.room:  # it was slow, and has been in as one that knows no rooms
            self.leave(member, "")
        self.admit(member, room, str(request.get("name") or ""), request.get("resume"))

    def admit(self, member: Member, room: Room | None = None, name: str = "", resume: Any = None) -> None:
        """Let somebody into a room, unless the key is banned."""
        if member.key and self.register.is_banned(member.key):
            self.drop(member, "you are banned here")
            return
        if resume is not None:
            self._replace(member)
        member.taken = self._taken.pop((member.person, member.instance), 0) if resume is not None else 0
        member.muted = bool(member.key and self.register.is_muted(member.key))
        member.called(self._named(member, name))
        self.members[member.id] = member
        self.enter(member, room or self.first, resume)

    def enter(self, member: Member, room: Room, resume: Any = None) -> None:
        """Put somebody who has a name into a room, and tell everybody."""
        log = room.log
        member.room = room
        member.at = max(log.first, log.next - self.backlog)
        missed = False
        if isinstance(resume, dict) and isinstance(last := resume.get("last"), int):
            missed = resume.get("epoch") != self.epoch or not log.first <= last + 1 <= log.next
            if not missed:
                member.at = last + 1
        if member.wired:
            here = [other.name for other in (*room.ears, *room.wired)]
            member.answer(
                do="welcome", room=room.name, epoch=self.epoch, you=member.name, next=member.at, taken=member.taken,
                missed=missed, here=here[:100], count=len(here) + 1, topic=room.topic,
            )  # fmt: skip
            room.wired[member] = None
        else:
            for entry in log.since(member.at):
                if entry.audience is None:
                    member.hear(Event.decode(entry.body))
            room.ears[member] = None
        room.happen(Kind.JOINED, member.name, marks=member.marks, sender=member.id)

    def leave(self, member: Member, why: str) -> None:
        """Take somebody out of the room, and tell the others."""
        if room := member.room:
            member.room = None
            room.wired.pop(member, None)
            room.ears.pop(member, None)
            room.happen(Kind.LEFT, member.name, why, member.marks, member.id)

    def gone(self, member: Member, ending: Ending) -> None:
        """A conversation is over."""
        if self.members.pop(member.id, None) is None:
            return
        if member.instance:
            self._taken[member.person, member.instance] = member.taken
            while len(self._taken) > REMEMBERED:
                self._taken.popitem(last=False)
        self.forget_name(member)
        self.leave(member, "the connection was cut" if ending.error else "")

    def _replace(self, member: Member) -> None:
        """Who comes back before we noticed that it had gone takes the place of its old connection."""
        for other in tuple(self.members.values()):
            if isinstance(other, Member) and (other.person, other.instance) == (member.person, member.instance):
                other.session.stream.close()
                other.session.exit()

    def drop(self, member: Member, why: str) -> None:
        """Send somebody away, and say why."""
        if member.wired:
            member.answer(do="refused", text=f"You were sent away: {why}.")
        else:
            member.tell(f"You were sent away: {why}.")
        self.dropped += 1
        self.notice(f"{member.name or member.session.address} was sent away: {why}.")
        member.session.exit()

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
        tries += [made_up, *(f"{made_up}-{number}" for number in range(2, len(self.members) + 3))]
        return next(taken for name in tries if (taken := self._try_name(member, name)))

    def _try_name(self, member: Member, name: str) -> str:
        try:
            return self.take_name(member, name)
        except ChatError:
            return ""

    def take_name(self, member: Any, name: str) -> str:
        """Bind a name to a member: as it is written from now on. Raises BadName, also for what looks like another's name."""
        name = names.enforce(name)
        key = member.key
        shapes = names.looks(name)
        for shape in shapes:
            if self._looks.get(shape, member) is not member:
                raise names.BadName(f"The name {name!a}, or one that looks like it, is taken.", "Choose another one: /name NAME.")
        if self.register.holder(name, key):
            raise names.BadName(f"The name {name!a} belongs to another key.", "Choose another one: /name NAME.")
        self.forget_name(member)
        self._looks.update(dict.fromkeys(shapes, member))
        if key:
            self._names[key] = name
            self._names.move_to_end(key)
            while len(self._names) > REMEMBERED:
                self._names.popitem(last=False)
        return name

    def forget_name(self, member: Any) -> None:
        """Let others have the name of somebody who leaves."""
        if member.name:
            for shape in names.looks(member.name):
                if self._looks.get(shape) is member:
                    del self._looks[shape]

    def find(self, name: str) -> Any:
        """The member of this name. Raises Usage."""
        for shape in names.looks(name.removeprefix("@")):
            if member := self._looks.get(shape):
                return member
        raise Usage(f"Nobody here is called {name!a}.", "/who lists who is here.")

    def marked(self, key: PublicKey) -> None:
        """What the register says of a key has changed: act on it where its members are."""
        for member in tuple(self.members.values()):
            if isinstance(member, Member) and member.key == key:
                member.muted = self.register.is_muted(key)
                if self.register.is_banned(key):
                    self.drop(member, "you are banned here")

    def is_operator(self, key: PublicKey) -> bool:
        return self.register.is_op(key) or key.fingerprint == self._operator
