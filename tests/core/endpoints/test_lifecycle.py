"""What the user is told of very many peers, and how a server stops."""

import asyncio
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from msgspec.structs import replace
from serving import PATIENT, QUICK, Says, Serving, client
from tables import Hosting, Nobody, ShowsBoth, Sits, Table

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints import lifecycle
from plytalk.core.endpoints.handlers import Presence
from plytalk.core.endpoints.lifecycle import Lifecycle, State
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.testing import TypedFrames
from plytalk.testing.verdict import idle, within

pytestmark = pytest.mark.virtual_time


async def test_notices_of_very_many_bad_peers_are_bounded() -> None:
    async with Serving("bounded", limits=replace(QUICK, unauthenticated=2000, unauthenticated_per_address=2000)) as serving:
        for _ in range(1000):
            stream, heard = await serving.stranger()
            stream.send(b"GET / HTTP/1.1\r\n\r\n")
            await heard.hears_the_end("It is not turned away.")
        serving._server.notices.summarise()
        assert len(serving.ui.notices) < 25
        assert "... and 980 more like this" in serving.ui.notices[-1]


async def test_what_authenticators_and_conversations_tell_of_very_many_peers_is_bounded() -> None:
    class Talkative(Authenticator):
        name = "talkative"
        judges = {Role.RESPONDER}
        needs = frozenset()

        async def check(self, peer: Peer) -> None:
            peer.say(f"{peer.address} is a friend.")

    async with Serving("talkative", ShowsBoth, Talkative) as serving:
        serving._server._introduce = lambda session: session.notice(f"{session.address} did something odd.") or ()
        for _ in range(100):
            await serving.talks(ShowsBoth, Says)
        serving._server.notices.summarise()
        for sentence in ("is a friend.", "did something odd."):
            told = [notice for notice in serving.ui.notices if notice.endswith(sentence)]
            assert len(told) < 25
            assert "... and 80 more like this" in told[-1]


async def test_what_a_feature_tells_of_peers_is_bounded() -> None:
    class Telling(Feature):
        name = "telling"

        @hookimpl
        def server_opened(self, notice: Callable[[str], None]) -> None:
            for number in range(100):
                notice(f"member{number} was removed.")

    async with Serving("telling", Telling) as serving:
        serving._server.notices.summarise()
        told = [notice for notice in serving.ui.notices if "was removed." in notice]
        assert len(told) < 25
        assert "... and 80 more like this" in told[-1]


async def test_a_newcomer_that_cannot_be_introduced_ends_nothing() -> None:
    def introduce(session: DirectChat) -> list[str]:
        raise ZeroDivisionError

    async with Serving("introduces", introduce=introduce) as serving:
        await serving.talks()
        await serving.ui.until(messages=1)
        assert "memory:client came in and could not be introduced: ZeroDivisionError." in serving.ui.notices
        assert not serving.task.done()


async def test_stopping_says_goodbye_to_all_and_lets_nobody_in() -> None:
    async with Hosting("stop", Table, Nobody) as serving:
        for _ in range(5):
            await serving.comes()
        await serving.holds(5)
        stranger, heard = await serving.stranger()  # still in its handshake
        await idle()
        serving.stop()
        serving.stop()
        assert await serving.task == Ending(EndedBy.US, "The server was told to end.")
        assert [(await task).reason for task in serving.talking] == ["The other side said exit."] * 5
        assert serving.table.closed == [EndedBy.US] * 5
        await heard.hears_the_end("The stranger is kept waiting.")
        stranger.close()
        with pytest.raises(CannotConnect):
            await client()[0].run("stop", 0)


@pytest.mark.parametrize("layers", [(), (Table,), (Table, Nobody)])
async def test_a_server_that_nobody_came_to_stops_at_once(layers: tuple) -> None:
    async with Serving("stop-empty", *layers, limits=replace(PATIENT, farewell=3600)) as serving:
        serving.stop = serving._server.stop
        serving.stop()
        assert (await serving.task).by is EndedBy.US


async def test_stopping_waits_for_those_who_do_not_go_no_longer_than_for_a_farewell() -> None:
    limits = replace(PATIENT, goodbye=3600, farewell=0.05)
    async with Hosting("stays", Table, Nobody, limits=limits) as serving:
        stream, heard = await serving.stranger()
        stream.send(TypedFrames().encode(b"K", bytes(64)))
        await serving.holds(1)
        serving.stop()
        assert (await serving.task).by is EndedBy.US
        await heard.hears_the_end("The connection stays open.")
        assert bytes(heard.came).endswith(b"exit")
        assert serving.table.closed == [EndedBy.US]
        stream.close()


async def test_stopping_a_server_that_talks_to_one_says_goodbye() -> None:
    async with Serving("stop-one") as serving:
        its, ui = client(Sits)
        talking = asyncio.create_task(its.run("stop-one", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
        serving._server.stop()
        assert (await serving.task).by is EndedBy.US
        assert await talking == Ending(EndedBy.THEM, "The other side said exit.")


def drawn() -> set[tuple[str, str]]:
    """The transitions that the source draws."""
    rows = (
        re.fullmatch(r" *([A-Z, ]+?)(?:, any|any)? -+ .* -+> ([A-Z]+)", line) for line in (lifecycle.__doc__ or "").splitlines()
    )
    return {(before, row[2]) for row in rows if row for before in row[1].split(", ")}


def test_the_drawing_has_every_state() -> None:
    assert {name for transition in drawn() for name in transition} == {state.name for state in State}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("layers", [(), (Table,)], ids=["one at a time", "together"])
async def test_it_goes_through_the_states_that_are_drawn(keep: bool, layers: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[State] = []
    monkeypatch.setattr(Lifecycle, "__setattr__", lambda self, name, value: note(self, name, value))

    def note(server: Lifecycle, name: str, value: object) -> None:
        if isinstance(value, State):
            seen.append(value)
        object.__setattr__(server, name, value)

    async with Serving("states", *layers, keep=keep) as serving:
        await serving.talks()
        while serving._server.state is State.TALKING:
            await idle()
        if keep:
            serving._server.stop()
        await serving.task
    way = [State.LISTENING, State.TALKING]
    assert seen == ([*way, State.LISTENING, State.STOPPING, State.OVER] if keep else [*way, State.OVER])
    assert {(before.name, after.name) for before, after in pairwise(seen)} <= drawn()


async def test_a_server_that_a_feature_ends_says_goodbye_to_all() -> None:
    async with Hosting("ended", Table, Nobody) as serving:
        for _ in range(2):
            await serving.comes()
        await serving.holds(2)
        serving._server.finish(Usage("The disk is full."))
        with pytest.raises(Usage, match="The disk is full"):
            await serving.task
        for task in serving.talking:
            assert (await within(task, "The connection stays open.")).by is EndedBy.THEM


async def test_it_talks_until_the_last_has_left_and_only_then_listens_for_the_next() -> None:
    async with Hosting("until-the-last", Table) as serving:
        one, two = await serving.comes(), await serving.comes()
        await serving.holds(2)
        for guest, state in ((one, State.TALKING), (two, State.LISTENING)):
            assert serving._server.state is State.TALKING
            inside = len(serving._server.capacity)
            guest.session.exit()
            while len(serving._server.capacity) == inside:
                await idle()
            assert serving._server.state is state
        assert serving._server.handler.gathering.presence is Presence.DISPERSED


async def test_a_handshake_that_is_cut_short_by_the_end_is_no_peer_that_was_turned_away() -> None:
    async with Hosting("cut-short", Table, Nobody) as serving:
        stranger, heard = await serving.stranger()
        await idle()
        serving.stop()
        await serving.task
        await heard.hears_the_end("The stranger is kept waiting.")
        assert serving.table.turned_away_at == []
        stranger.close()
