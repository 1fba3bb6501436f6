"""What people are shown of their transfers after random offers, answers, cuts, renamings and rooms is what is so at the server.

Two people and a third, whose clients come back after each cut. After each step, when nothing more happens: a stream goes on
where a receiver says so, a sender says that it sends where there is a stream, bars are those of streams, and an offer that can be
accepted is one that the server has. In the end, all that was accepted and whose sender is there arrives.
"""

import asyncio
from typing import Any

from crowd import Crowd, Person
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from offering import cut, folder_of, transfers, written
from state_machines import FileMachine, stateful

from plytalk.core.contracts.events import File
from plytalk.plugins.chat_screen.running_files import RunningFiles
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.sending import Pump, Sending
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.room_chat import ClientState
from plytalk.plugins.transports.tcp import Tcp

WHO = ("ann", "bob", "cyd")
NAMES = st.sampled_from(WHO)
SIZE = 3_000_000
REST = 8
"""How often in a row nothing may have changed before a step is over."""


class Transferring(FileMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch.setattr("plytalk.plugins.rooms.reconnecting.WAITS", (0.01, 0.1, 1))
        self.patch.setattr(Pump, "_round", self._held(Pump._round))
        self.goes = asyncio.Event()
        self.people: dict[str, Person] = {}
        self.count = 0

    def _held(self, round: Any) -> Any:
        async def held(pump: Pump) -> bool:
            await self.goes.wait()
            sent: bool = await round(pump)
            return sent

        return held

    def run(self, work: Any = None) -> None:
        async def settled() -> None:
            if work:
                work()
            before: list[object] = []
            for _ in range(1000):
                await asyncio.sleep(0.003)
                now = [[(one.number, one.state, one.done) for one in transfers(each).all()] for each in self.people.values()]
                connected = all(each.chat and each.ui.session.state is ClientState.IN_ROOM for each in self.people.values())  # type: ignore[union-attr]
                going_on = any(one.state == "receiving" and (one.is_whole or self.goes.is_set()) for one in self.received)
                before = [*before[-REST:], now] if connected and not going_on else []
                if before == [now] * (REST + 1):
                    return
            raise AssertionError(f"it does not come to rest: {now}, {connected}")

        self.loop.run_until_complete(settled())

    @initialize()
    def begin(self) -> None:
        self.loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        self.crowd = await Crowd(self.home, headless=True, rate=0, transport=Tcp, host="127.0.0.1").__aenter__()
        for name in WHO:
            self.people[name] = await self.crowd.comes(name, into=folder_of(self.crowd, name), reconnect=True)
        self.people["ann"].say(f"/send {written(self.home / 'a.bin', SIZE, seed=100)}")
        self.people["bob"].say(f"/send {written(self.home / 'b.bin', SIZE, seed=200)} @ann")
        self.people["ann"].say(f"/send {written(self.home / 'c.bin', SIZE, seed=300)} @cyd")

    def teardown(self) -> None:
        try:
            if self.people:
                self._all_arrives()
        finally:
            if self.people:
                self.loop.run_until_complete(self.crowd.__aexit__())
            self.loop.close()
            self.ends.close()

    def _all_arrives(self) -> None:
        for each in self.people.values():
            self.run(lambda each=each: each.say("/join lobby"))
        self.goes.set()
        self.run()
        offered = {
            one.id for each in self.people.values() for one in transfers(each).all() if isinstance(one, Sending) and one.stands
        }
        for one in self.received:
            assert one.state not in (TransferState.ACCEPTED, TransferState.RECEIVING), one.state
            assert one.state != "interrupted" or one.id not in offered
            if one.state == "done":
                assert sum(other.written == one.written for other in self.received if other.file == one.file) >= 1

    # -- what happens -----------------------------------------------------------------------------------------------------

    @rule(name=NAMES, to=st.sampled_from(["", *WHO]))
    def offer(self, name: str, to: str) -> None:
        if to == name or self.count >= 8:
            return
        self.count += 1
        path = written(self.home / f"{self.count}.bin", SIZE, seed=self.count)
        whom = f" @{self.name_of(to)}" if to else ""
        self.run(lambda: self.people[name].say(f"/send {path}{whom}"))

    @rule(name=NAMES, does=st.sampled_from(["accept", "accept", "accept", "decline", "cancel"]), which=st.integers(0, 4))
    def answer(self, name: str, does: str, which: int) -> None:
        self.run(lambda: self.people[name].say(f"/{does} {which or ''}"))

    @rule(name=NAMES)
    def accept(self, name: str) -> None:
        self.run(lambda: self.people[name].say("/accept"))

    @rule(name=NAMES, does=st.sampled_from(["come again", "accept", "cancel", "move", "move", "rename"]))
    def other(self, name: str, does: str) -> None:
        self.run(lambda: self._does(name, does))

    def _does(self, name: str, does: str) -> None:
        person = self.people[name]
        if does == "move":
            person.say("/join kitchen")
            person.say("/join lobby")
        elif does == "rename":
            self.count += 1
            person.say(f"/name {name}{self.count}")
        else:
            if does != "come again":  # what is said just before a cut may be lost, and with it what it was about
                person.say(f"/{does}")
            cut(person)

    @rule(name=NAMES)
    def leave_for_another_room(self, name: str) -> None:
        room = "lobby" if transfers_room(self.people[name]) == "kitchen" else "kitchen"
        self.run(lambda: self.people[name].say(f"/join {room}"))

    @rule()
    def let_some_go(self) -> None:
        """Some of what waits goes out."""

        self.goes.set()
        self.loop.run_until_complete(asyncio.sleep(0.003))
        self.goes.clear()
        self.run()

    # -- what must hold ---------------------------------------------------------------------------------------------------

    def name_of(self, name: str) -> str:
        """The present name of one who came under this name."""
        session: Any = self.people[name].ui.session
        return str(session.name)

    @property
    def received(self) -> list[Receiving]:
        return [one for each in self.people.values() for one in transfers(each).all() if isinstance(one, Receiving)]

    @property
    def standing(self) -> list[Sending]:
        return [one for each in self.people.values() for one in transfers(each).all() if isinstance(one, Sending) and one.stands]

    @property
    def exchange(self) -> Any:
        return self.crowd.hub.exchange.made if self.people else None

    @invariant()
    def senders_send_where_somebody_receives(self) -> None:
        for each in self.people.values():
            for one in transfers(each).all():
                if isinstance(one, Sending) and one.stands:
                    assert (one.state == "sending") == bool(one.streams), (one.state, [*one.streams])
                    states = [other.state for other in self.received if other.id == one.id]
                    assert ("receiving" in states) == bool(one.streams), (one.number, one.done, one.state, states)

    @invariant()
    def offers_that_can_be_accepted_are_at_the_server(self) -> None:
        known = self.exchange._offers if self.exchange else {}
        for one in self.received:
            if one.stands:
                assert known[one.remote].said.id == one.id
                assert known[one.remote].source.member.name == one.sender.name
            else:
                assert one.state not in (TransferState.ACCEPTED, TransferState.RECEIVING), one.state
        sent = self.standing
        assert sorted(one.id for one in sent) == sorted(offer.said.id for offer in known.values())
        for one in sent:
            assert one.whom is None or one.whom.name == one.to

    @invariant()
    def bars_are_those_of_streams(self) -> None:
        for each in self.people.values():
            shown = RunningFiles()
            for event in each.ui.events:
                if isinstance(event, File):
                    shown.note(event)
            moving = {
                str(one.number)
                for one in transfers(each).all()
                if one.state in (TransferState.SENDING, TransferState.RECEIVING) and one.done < SIZE
            }
            assert {*shown.running} == moving, [(one.number, one.state, one.done) for one in transfers(each).all()]

    @invariant()
    def each_is_offered_once(self) -> None:
        for each in self.people.values():
            ids = [one.id for one in transfers(each).all() if isinstance(one, Receiving)]
            assert len(ids) == len({*ids})


def transfers_room(person: Person) -> str:
    session: Any = person.ui.session
    return str(session._room)


TestTransferring = Transferring.TestCase
TestTransferring.settings = stateful(12, 25)
