"""What must hold in rooms, after random connects, cuts, joins, resumes, kicks, bans, renames and restarts of a real server.

After each step: every member has an open connection and is in exactly one room; names are unique; nobody was told what it was
not there for, nor what was said to others alone.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from state_machines import stateful

from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms import member_names
from plytalk.plugins.rooms.member import Member
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent, read, write
from plytalk.testing.verdict import idle

KEYS, ROOMS = ("ada", "bea", "cyd", "dot"), ("lobby", "kitchen", "attic")
NAMES = ("ada", "bea", "Ada", "A1ice", "Alice", "", "x" * 40, "operator", "clara", "dara")
LASTS = st.sampled_from([0, -1, -(2**70), 1, 2, 3, 5, 10, 2**64, True, 0.0, "0", None, "mine"])


class Peer:
    """A connection that keeps what it is sent, in order, and checks that it may have it."""

    def __init__(self, session: DirectChat, key: str, machine: "Rooms") -> None:
        self.session, self.key, self.machine = session, key, machine
        self.instance = self.room = ""
        self.resumed: Any = None
        self.last = self.since = self.said = 0
        session.extend(ROOM, lambda body: self._check(self._told, body))
        session.extend(EVENT, lambda body: self._check(self._happened, body))

    def _check(self, check: Callable[[bytes], None], body: bytes) -> None:
        try:
            check(body)
        except AssertionError as fault:  # a session would take it for a fault of the peer
            self.machine.faults.append(fault)

    @property
    def origin(self) -> tuple[str, str]:
        return self.key, self.instance

    def ask(self, **request: Any) -> None:
        self.session.send_item(Extension(ROOM, write(do="join", **request)))

    def _told(self, body: bytes) -> None:
        said = read(body) or {}
        if said["do"] != "welcome":
            return
        room, following, now = said["room"], said["next"], said["now"]
        was = self.machine.stays.get(self.origin) if not self.room and self.resumed is not None else None
        self.since = now  # a newcomer's; there is no backlog
        if was and was[0] == room and following != now:
            assert following >= was[1], f"{self.origin} continues before the first event that was sent to it: {said}, {was}"
            self.since = was[1]
        elif not was or was[0] != room:
            assert following == now, f"{self.origin} is sent what happened before it came: {said}, {was}"
        self.room, self.last = room, following - 1
        if self.instance:
            self.machine.stays[self.origin] = room, self.since

    def _happened(self, body: bytes) -> None:
        event = RoomEvent.decode(body)
        assert event.id > self.last, "an event came twice"
        self.last = event.id
        if event.kind == Kind.SAID:
            assert event.text.startswith(f"in {self.room}:"), f"in {self.room} came {event}"
            self._is_from(event, event.text)
        elif event.kind == Kind.TOLD:
            assert self.key in str(event.details["text"]).split(), f"{self.key} is told {event}"
            self._is_from(event, str(event.details["text"]))

    def _is_from(self, event: RoomEvent, text: str) -> None:
        key = self.machine.crowd.key(text.split()[-1])
        assert event.fingerprint == key.fingerprint, f"{event} names another key than its sender's"


class Rooms(RuleBasedStateMachine):
    peers = Bundle("peers")

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[AssertionError] = []
        self.stays: dict[tuple[str, str], tuple[str, int]] = {}
        self.loop = asyncio.new_event_loop()
        self.ends = ExitStack()
        self.folder = Path(self.ends.enter_context(tempfile.TemporaryDirectory()))
        patch = self.ends.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PLYTALK_HOME", str(self.folder))
        patch.setenv("HOME", str(self.folder))

    def run(self, work: Any) -> Any:
        async def settled() -> Any:
            result = await work
            await idle()
            return result

        return self.loop.run_until_complete(settled())

    @initialize(kept=st.booleans())
    def begin(self, kept: bool) -> None:
        self.kept = kept
        self.run(self._begin())

    async def _begin(self) -> None:
        options = {"history": self.folder / "history"} if self.kept else {}
        self.crowd = await Crowd(self.folder, rate=0, **options).__aenter__()

    def teardown(self) -> None:
        if hasattr(self, "crowd"):
            self.run(self.crowd.__aexit__())
        self.loop.close()
        self.ends.close()

    # -- what happens -----------------------------------------------------------------------------------------------------

    @rule(target=peers, key=st.sampled_from(KEYS), speaks=st.integers(0, 2))
    def connect(self, key: str, speaks: int) -> Any:
        return self.run(self._connect(key, speaks))

    async def _connect(self, key: str, speaks: int) -> Any:
        stranger = await self.crowd.stranger(key)
        stranger.session._extensions = ()
        peer = Peer(stranger.session, key, self)
        for _ in range(speaks):
            peer.session.say(f"in lobby: plain from {key}")
        return peer

    @rule(
        peer=peers, room=st.sampled_from([*ROOMS, None]), name=st.sampled_from(NAMES), instance=st.sampled_from(["", "1", "2"]),
        resumes=st.booleans(), right=st.booleans(), last=LASTS, times=st.integers(1, 2),
    )  # fmt: skip
    def join(self, peer: Peer, room: Any, name: str, instance: str, resumes: bool, right: bool, last: Any, times: int) -> None:
        self._join(peer, room, name, instance, resumes, right, last, times)

    @rule(
        target=peers, key=st.sampled_from(KEYS), room=st.sampled_from([*ROOMS, None]), name=st.sampled_from(NAMES),
        instance=st.sampled_from(["1", "2"]), resumes=st.booleans(), last=LASTS,
    )  # fmt: skip
    def come(self, key: str, room: Any, name: str, instance: str, resumes: bool, last: Any) -> Any:
        """Connect and join: most that happens needs somebody in a room."""
        peer = self.run(self._connect(key, 0))
        self._join(peer, room, name, instance, resumes, True, last, 1)
        return peer

    def _join(self, peer: Peer, room: Any, name: str, instance: str, resumes: bool, right: bool, last: Any, times: int) -> None:
        comes_back = ""
        if not peer.room and not peer.instance:
            peer.instance = instance
            peer.resumed = True if resumes else None
            comes_back = self._name_of(peer) if resumes else ""
        was = self.stays.get((peer.key, instance))
        last = (was[1] if was else 0) if last == "mine" else last
        resume = {"resume": {"epoch": self.crowd.hub.epoch if right else "0" * 16, "last": last}} if resumes else {}
        self.run(self._ask(peer, times, {"instance": instance, "room": room, "name": name, **resume}))
        if comes_back and peer.room:
            self._has_its_name_unless_taken(peer, comes_back)

    def _name_of(self, peer: Peer) -> str:
        """Somebody's present or last name; empty if the server does not know it."""
        origin, returning = (str(self.crowd.key(peer.key)), peer.instance), self.crowd.hub.returning
        known = returning._present.get(origin) or returning._taken.get(origin)
        return known.name if known else ""

    def _has_its_name_unless_taken(self, peer: Peer, name: str) -> None:
        others = [one.name for one in self.crowd.hub.members.values() if one.name != self._name_of(peer)]
        assert self._name_of(peer) == name or any(member_names.alike(name, other) for other in others)

    async def _ask(self, peer: Peer, times: int, request: dict[str, Any]) -> None:
        for _ in range(times):
            peer.ask(**request)

    @rule(peer=peers, count=st.integers(1, 3))
    def say(self, peer: Peer, count: int) -> None:
        if peer.room:
            self._says(peer, *[f"in {peer.room}: hello from {peer.key}"] * count)

    @rule(peer=peers, to=st.sampled_from(KEYS))
    def whisper(self, peer: Peer, to: str) -> None:
        for member in self.members:
            if member.key == self.crowd.key(to):
                self._says(peer, f'/msg "{member.name}" for {to} from {peer.key}')

    @rule(peer=peers)
    def answer(self, peer: Peer) -> None:
        self._says(peer, f"/reply for {' '.join(KEYS)} from {peer.key}")

    @rule(peer=peers, name=st.sampled_from(NAMES))
    def rename(self, peer: Peer, name: str) -> None:
        self._says(peer, f"/name {name}")

    @rule(peer=peers, room=st.sampled_from(ROOMS))
    def move(self, peer: Peer, room: str) -> None:
        self._says(peer, f"/join {room}")

    def _says(self, peer: Peer, *lines: str) -> None:
        async def say() -> None:
            for line in lines:
                peer.session.say(line)

        self.run(say())

    @rule(word=st.sampled_from(["kick", "ban", "mute", "unmute"]), key=st.sampled_from(KEYS))
    def operate(self, word: str, key: str) -> None:
        named = [member.name for member in self.members if member.key == self.crowd.key(key)]
        if named and self.crowd.hub.members.get(-1):
            self.run(self._operate(word, key, named[0]))

    async def _operate(self, word: str, key: str, name: str) -> None:
        before = {member.id for member in self.members if member.name == name}
        self.crowd.local_member.say(f'/{word} "{name}"' if word == "kick" else f"/{word} {name}")
        while self.crowd.hub._background.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
        if word in ("kick", "ban"):
            assert not before & {member.id for member in self.members}, f"/{word} {name} did nothing"
        if word == "ban":
            self.crowd.local_member.say(f"/unban {self.crowd.key(key)}")
            while self.crowd.hub._background.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0)

    @rule(peer=peers, how=st.sampled_from(["cut", "exit", "reset", "garbage"]))
    def leave(self, peer: Peer, how: str) -> None:
        async def end() -> None:
            if how == "exit":
                peer.session.exit()
            elif how == "garbage":
                peer.session.send_packed([b"no record"])
            else:
                peer.session.stream.close()

        self.run(end())

    @rule()
    def restart(self) -> None:
        self.run(self._restart())

    async def _restart(self) -> None:
        await self.crowd.__aexit__()
        if not self.kept:
            self.stays.clear()
        await self._begin()

    # -- what must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_told_what_it_may_not_know(self) -> None:
        if self.faults:
            raise self.faults[0]

    @property
    def members(self) -> list[Member]:
        return [one for one in self.crowd.hub.members.values() if isinstance(one, Member)] if hasattr(self, "crowd") else []

    @invariant()
    def every_member_has_an_open_connection(self) -> None:
        for member in self.members:
            assert member.session.ending is None
            assert member.session.role is Role.RESPONDER
            assert member.session in self.crowd.server.capacity
        if self.members:
            assert len(self.crowd.hub.members) <= len(self.crowd.server.capacity) + 1

    @invariant()
    def every_member_is_in_one_room_and_nobody_else_is_in_any(self) -> None:
        if not hasattr(self, "crowd"):
            return
        everybody = set(self.crowd.hub.members.values())
        inside = [one for room in self.crowd.hub.rooms.values() for one in (*room.subscribers, *room.event_members)]
        assert len(inside) == len(set(inside))
        assert set(inside) == everybody
        for room in self.crowd.hub.rooms.values():
            assert all(one.room is room for one in (*room.subscribers, *room.event_members))
            assert set(room._apart) <= set(room.event_members)
            assert len(room._in_step) + len(room._apart) == len(room.event_members)

    @invariant()
    def names_are_unique_and_those_of_present_members(self) -> None:
        if not hasattr(self, "crowd"):
            return
        everybody = list(self.crowd.hub.members.values())
        assert not [pair for pair in combinations([one.name for one in everybody], 2) if member_names.alike(*pair)]
        bound = {look: member for member in everybody for look in member_names.looks(member.name)}
        assert self.crowd.hub.names._looks == bound

    @invariant()
    def an_instance_is_there_once(self) -> None:
        origins = [member.origin for member in self.members if member.origin]
        assert len(origins) == len(set(origins))
        if hasattr(self, "crowd"):
            assert self.crowd.hub.returning._present == {member.origin: member for member in self.members if member.origin}


TestRooms = Rooms.TestCase
TestRooms.settings = stateful(40, 40)
