"""The conversation with a member: it takes part in the goodbye, and counts the messages of all its connections."""

import asyncio
from pathlib import Path

import pytest
from alone import Alone, Items, frame
from crowd import Crowd

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.items import Extension
from plytalk.core.conversation.direct_chat import ACKNOWLEDGE
from plytalk.plugins.rooms import reconnecting
from plytalk.plugins.rooms.member_chat import MemberChat
from plytalk.plugins.rooms.room_chat import ClientState
from plytalk.plugins.rooms.room_client import RoomClient
from plytalk.testing.verdict import idle


class Noting:
    """A member that has said five messages over earlier connections."""

    taken = 5

    def __init__(self, session: MemberChat, takes: bool = True) -> None:
        self.session, self._takes = session, takes
        self.late: list[str] = []
        self.has_left = False
        session.attach(self)

    def hear_goodbye(self) -> None:
        self.has_left = True

    def say_late(self, text: str) -> bool:
        self.late.append(text)
        self.taken += self._takes
        return self._takes

    def hear_pong(self, body: bytes) -> None:
        pass

    def catch_up(self) -> None:
        self.session.send_item(Extension(8, b"news"))

    def records(self, count: int, size: int, items: int) -> None:
        pass

    def item(self) -> None:
        pass

    def kept(self, size: int) -> None:
        pass


async def test_a_goodbye_is_answered_when_the_member_says_so_and_counts_what_it_took() -> None:
    alone = await Alone(Items, make_chat=MemberChat).open()
    member = Noting(alone.session)
    alone.peer.send(frame(b"exit"))
    await idle()
    assert member.has_left
    assert alone.says == b""
    alone.session.part()
    await idle()
    assert alone.says == b"".join(map(frame, (b"+8 news", b"=6", b"exit")))
    assert (await alone.over()).by is EndedBy.THEM
    assert alone.session.member is alone.session.connection.meter is None


@pytest.mark.parametrize(("takes", "acknowledged"), [(True, b"=7"), (False, b"=5")])
async def test_what_comes_after_our_goodbye_is_the_member_s_and_theirs_is_acknowledged_only_if_it_was_taken(
    takes: bool, acknowledged: bytes
) -> None:
    alone = await Alone(Items, make_chat=MemberChat).open()
    member = Noting(alone.session, takes)
    alone.session.exit()
    alone.peer.send(frame(b"late") + frame(b"exit"))
    await idle()
    assert member.late == ["late"]
    assert alone.ui.messages == []
    assert alone.says == b"".join(map(frame, (b"+8 news", b"exit", acknowledged)))
    await alone.over()


async def test_what_a_feature_sends_after_our_goodbye_is_not_taken() -> None:
    alone = await Alone(Items, make_chat=MemberChat).open()
    Noting(alone.session)
    alone.session.exit()
    alone.peer.send(frame(b"+8 join") + frame(b"exit"))
    await idle()
    assert alone.says.endswith(frame(b"=5"))
    await alone.over()


async def test_messages_are_acknowledged_by_the_member_alone() -> None:
    alone = await Alone(Items, make_chat=MemberChat).open()
    Noting(alone.session)
    alone.peer.send(frame(b"words") * 2 * ACKNOWLEDGE)
    await alone.ui.until(messages=2 * ACKNOWLEDGE)
    await idle()
    assert alone.says == b""
    alone.session.exit()
    await alone.over()


async def test_the_goodbye_of_a_member_that_came_back_is_acknowledged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "WAITS", (0,))
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.comes("alice", reconnect=True)
        room_client, first = alice.ui.session, alice.session
        assert isinstance(room_client, RoomClient)
        alice.say("one", "two")
        while len(room_client._lines):
            await idle()
        next(iter(crowd.hub.members.values())).session.stream.close()  # as the network would
        while alice.chat in (first, None) or room_client.state is not ClientState.IN_ROOM:  # noqa: ASYNC110
            await asyncio.sleep(0)
        alice.say("three", "exit")
        ending = await alice.over()
        assert (ending.by, ending.error) == (EndedBy.US, None)
