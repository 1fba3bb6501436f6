"""A full server, and each source's and each key's share of it."""

import asyncio
import contextlib
from typing import Any

from msgspec.structs import replace
from serving import PATIENT, Far, Says, client
from tables import Hosting, ShowsBoth, Table

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.items import Empty
from plytalk.core.contracts.peers import Identity
from plytalk.testing.parts import PlainWords
from plytalk.testing.verdict import idle


async def test_a_full_server_turns_others_away_and_says_so_to_plugins() -> None:
    async with Hosting("full", Table, limits=replace(PATIENT, connections=3)) as serving:
        guests = [await serving.comes() for _ in range(3)]
        await serving.holds(3)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert heard.came == b""
        assert serving.table.turned_away_at == [("memory:client", "The server is full.")]
        guests[0].session.exit()
        await serving.holds(2)
        while len(serving._server.capacity) > 2:
            await idle()
        await serving.comes()
        await serving.holds(3)


class WithRoles(Table):
    """Reserves places while `role` is set."""

    role = False

    def holds_role(self, identity: Identity | None) -> bool:
        return self.role


class Carries(PlainWords):
    """Could say why somebody is not let in, so the server is asked after the handshake."""

    carries = frozenset({Empty})


async def test_a_full_server_keeps_places_for_those_with_a_role() -> None:
    async with Hosting("reserved", WithRoles, Carries, limits=replace(PATIENT, connections=2, reserved=1)) as serving:
        for _ in range(2):
            await serving.comes()
        await serving.holds(2)
        await turned_away(serving, "The server is full.")
        serving.table.role = True  # type: ignore[attr-defined]
        await serving.comes()
        await serving.holds(3)
        await turned_away(serving, "The server is full.")


async def test_a_full_server_removes_the_member_that_is_idle_for_longest() -> None:
    async with Hosting("idle", WithRoles, Carries, limits=replace(PATIENT, connections=3, idle=60)) as serving:
        for _ in range(3):
            await serving.comes()
        await serving.holds(3)
        first, second, third = serving.table.sessions
        await turned_away(serving, "The server is full.")
        now = asyncio.get_running_loop().time()
        first.active_at, second.active_at, third.active_at = now - 61, now - 62, now - 59
        await serving.comes()
        await serving.talking[1]
        assert "was removed: the server is full and it was idle." in " ".join(serving.ui.notices)
        await serving.holds(3)
        assert second not in serving.table.sessions
        assert first in serving.table.sessions
        serving.table.role = True  # type: ignore[attr-defined]
        assert not serving._server.arrivals[0]._remove_idle()


async def test_what_is_said_ends_being_idle() -> None:
    async with Hosting("active", Table, limits=PATIENT) as serving:
        guest = await serving.comes()
        await serving.holds(1)
        (session,) = serving.table.sessions
        session.active_at = -1.0
        assert guest.session is not None
        guest.session.say("hello")
        await guest.until(messages=1)
        assert session.active_at >= 0


async def test_one_key_has_its_share_on_this_machine_too() -> None:
    async with Hosting("key", Table, ShowsBoth, limits=replace(PATIENT, connections_per_key=2)) as serving:
        for _ in range(2):
            await serving.comes(ShowsBoth)
        await serving.holds(2)
        await turned_away(serving, "Too many connections with its key.", ShowsBoth)
        await serving.holds(2)
        assert not serving._server.capacity._reserved


async def test_a_peer_that_is_traced_gives_its_places_back_too() -> None:
    async with Hosting("traced", Table, ShowsBoth, trace=lambda event: None) as serving:
        await serving.comes(ShowsBoth)
        await serving.holds(1)
        assert len(serving._server.arrivals[0]._admission) == 0
        assert not serving._server.capacity._reserved


async def turned_away(serving: "Hosting", why: str, *layers: Any) -> None:
    with contextlib.suppress(ChatError):
        await client(Says, *layers)[0].run(serving._place, 0)
    async with asyncio.timeout(180):
        while ("memory:client", why) not in serving.table.turned_away_at:
            await idle()
    serving.table.turned_away_at.clear()


async def test_one_address_has_its_share_and_no_more() -> None:
    async with Hosting("share", Table, Far, limits=replace(PATIENT, connections_per_address=2)) as serving:
        for _ in range(2):
            await serving.comes()
        await serving.holds(2)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert serving.table.turned_away_at == [("192.0.2.1:1234", "Too many connections from this source.")]


async def test_this_machine_s_own_have_no_limit_by_address() -> None:
    async with Hosting("own", Table, limits=replace(PATIENT, connections_per_address=2)) as serving:
        for _ in range(5):
            await serving.comes()
        await serving.holds(5)


async def test_those_that_are_let_in_count_before_they_are_inside() -> None:
    async with Hosting("arriving", Table, Carries, limits=replace(PATIENT, connections=2)) as serving:
        await serving.comes()
        await serving.holds(1)
        (first, _), (second, _) = await serving.stranger(), await serving.stranger()
        assert serving._server.arrivals[0]._admit(first, None) is None
        refusal = serving._server.arrivals[0]._admit(second, None)
        assert refusal is not None
        assert refusal.sentence == "The server is full."


async def test_one_key_too_many_costs_no_idle_member_its_place() -> None:
    async with Hosting("key-idle", Table, ShowsBoth, limits=replace(PATIENT, connections_per_key=1, idle=0)) as serving:
        await serving.comes(ShowsBoth)
        await serving.holds(1)
        await turned_away(serving, "Too many connections with its key.", ShowsBoth)
        await serving.holds(1)
        assert not any(session.ending for session in serving.table.sessions)
