"""One conversation at a time, and many that a feature brings together."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace
from serving import PATIENT, Serving, breaking, client
from tables import Hosting, Nobody, Sits, Table

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BrokenPlugin, Busy, NotReceived, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handler import ServerStack
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.messages.records import Records
from plytalk.testing import RecordingUi, TypedFrames
from plytalk.testing.verdict import idle


async def test_the_place_is_free_again_as_soon_as_the_only_peer_is_in() -> None:
    class Waits(RecordingUi):
        """Says nothing."""

    async with Serving("free", keep=False) as serving:
        its, ui = client(Waits)
        talking = asyncio.create_task(its.run("free", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
        async with Serving("free"):
            pass
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await serving.task
        assert talking.cancelled()


async def test_a_server_that_keeps_on_talks_to_one_after_the_other() -> None:
    async with Serving("keep") as serving:
        for number in range(1, 4):
            await serving.talks()
            await serving.ui.until(messages=number)
        assert not serving.task.done()


async def test_while_it_talks_others_are_turned_away() -> None:
    async with Serving("busy") as serving:
        its, ui = client()
        talking = asyncio.create_task(its.run("busy", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
        ending = await client()[0].run("busy", 0)
        assert ending.by is EndedBy.THEM
        why = "memory:client did not get in: This server talks to one client at a time, and is busy."
        assert why in serving.ui.notices
        assert not talking.done()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def test_a_feature_that_gives_nobody_a_seat_ends_one_gathering_and_not_the_server() -> None:
    class Standing(Table):
        """Has no chairs."""

        def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
            raise ZeroDivisionError

    async with Serving("standing", Standing) as serving:
        for _ in range(2):
            await serving.talks(RecordingUi)
        assert "The feature `table` raised ZeroDivisionError." in " ".join(serving.ui.notices)
        assert not serving.task.done()


async def test_a_conversation_that_breaks_does_not_end_a_server_that_keeps_on() -> None:
    async with Serving("breaks") as serving:
        stream, _ = await serving.stranger()
        stream.send(TypedFrames().encode(b"K", bytes(64)) + b"M\xff\xff\xff\xff")
        await serving.ui.until(notices=2)
        assert "announced a frame of 4,294,967,295 bytes" in serving.ui.notices[1]
        stream.close()
        await serving.talks()
        await serving.ui.until(messages=1)


@pytest.mark.parametrize("keep", [True, False])
async def test_a_server_whose_ui_breaks_goes_on_if_it_is_to(keep: bool) -> None:
    async with Serving("host", breaking("run"), keep=keep) as serving:
        ending, _ = await serving.talks(RecordingUi)
        assert ending.by is EndedBy.THEM
        if keep:
            await serving.ui.until(notices=2)
            assert "raised ZeroDivisionError" in serving.ui.notices[1]
            assert not serving.task.done()
        else:
            with pytest.raises(BrokenPlugin):
                await serving.task


async def test_many_talk_at_once_and_whoever_sits_at_the_server_with_them() -> None:
    async with Hosting("many-at-once", Table) as serving:
        guests = [await serving.comes() for _ in range(20)]
        await serving.holds(20)
        assert serving.ui.session is not None
        for number, ui in enumerate(guests):
            ui.session.say(f"guest {number}")
        serving.ui.session.say("hello")
        for ui in guests:
            await ui.until(messages=21)
            assert sorted(ui.messages) == sorted(["chair: hello", *(f"guest {number}" for number in range(20))])


@pytest.mark.parametrize("ui", [Sits, Nobody])
async def test_once_ends_with_the_last_who_leaves(ui: type[RecordingUi]) -> None:
    async with Hosting("once-hosted", Table, ui, keep=False) as serving:
        one, two = await serving.comes(), await serving.comes()
        await serving.holds(2)
        one.session.exit()
        await serving.holds(1)
        three = await serving.comes()
        await serving.holds(2)
        two.session.exit()
        await serving.holds(1)
        assert not serving.task.done()
        three.session.exit()
        assert (await serving.task).by is EndedBy.THEM
        assert serving.table.closed == [EndedBy.THEM] * 3
        assert (serving.ui.ending is None) is (ui is Nobody)


@pytest.mark.parametrize("ui", [Sits, Nobody])
async def test_one_that_keeps_on_waits_for_the_next_crowd(ui: type[RecordingUi]) -> None:
    async with Hosting("keep-hosted", Table, ui) as serving:
        for _ in range(3):
            one, two = await serving.comes(), await serving.comes()
            await serving.holds(2)
            one.session.say("hello")
            await two.until(messages=1)
            for guest in (one, two):
                guest.session.exit()
            await serving.holds(0)
            while serving._server.capacity:
                await idle()
        assert not serving.task.done()
        assert len(serving.table.closed) == 6


async def test_whoever_sits_at_the_server_ends_it_where_it_is_there_once() -> None:
    async with Hosting("chair-exit", Table, keep=False) as serving:
        await serving.comes()
        await serving.comes()
        await serving.holds(2)
        serving.ui.session.say("exit")
        await serving.task
        assert [(await task).by for task in serving.talking] == [EndedBy.THEM] * 2


async def test_a_feature_that_breaks_at_one_word_ends_that_conversation_alone() -> None:
    async with Hosting("one-breaks", Table) as serving:
        one, two, three = [await serving.comes() for _ in range(3)]
        await serving.holds(3)
        two.session.say("break")
        await two.until(over=True)
        await serving.holds(2)
        one.session.say("still here")
        await three.until(messages=1)
        assert [notice for notice in serving.ui.notices if "raised ZeroDivisionError" in notice]


@pytest.mark.parametrize("error", [ZeroDivisionError, partial(Usage, "Not you.")], ids=["a bug", "an error for the user"])
async def test_a_hook_that_breaks_for_one_ends_that_conversation_alone(error: Callable[[], Exception]) -> None:
    class Second(Feature):
        """Does not like the second."""

        name = "second"
        opened = 0

        @hookimpl
        def session_opened(self, session: DirectChat) -> None:
            self.opened += 1
            if self.opened == 2:
                raise error()

        @hookimpl
        def session_closed(self, session: DirectChat, ending: Ending) -> None:
            raise error()

    async with Hosting("second", Table, Second, keep=False) as serving:
        one = await serving.comes()
        await serving.holds(1)
        two = await serving.comes()
        await two.until(over=True)
        assert two.ended == ("them", "The other side said exit.")
        three = await serving.comes()
        await serving.holds(2)
        one.session.say("hello")
        await three.until(messages=1)
        for guest in (one, three):
            guest.session.exit()
        assert (await serving.task).error is None
        assert [notice for notice in serving.ui.notices if "ZeroDivisionError" in notice or "Not you." in notice]


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, asyncio.CancelledError])
async def test_one_that_a_broken_hook_turns_away_is_told_so_and_waits_for_nothing(error: type[BaseException]) -> None:
    class Ends(Feature):
        """Lets nobody in."""

        name = "ends"

        @hookimpl
        def session_opened(self, session: DirectChat) -> None:
            raise error

    async with Hosting("hook-ends", Table, Ends, SaysWhy, limits=replace(PATIENT, goodbye=3600)) as serving:
        its, ui = client(Sits, SaysWhy, limits=replace(PATIENT, goodbye=3600))
        ending = await its.run("hook-ends", 0)
        assert isinstance(ending.error, Busy)
        assert ending.reason == "The server says: A plugin of this server has failed."
        while serving._server.capacity:
            await idle()
        assert not serving.task.done()
        assert not ui.messages
        assert [line for line in serving.ui.notices if f"The hook `session_opened` of {__name__} raised {error.__name__}" in line]


@pytest.mark.parametrize("method", ["run", "open"])
async def test_a_ui_that_breaks_leaves_a_table_that_goes_on_to_the_guests(method: str) -> None:
    async with Hosting("ui-breaks", Table, breaking(method)) as serving:
        its, _ = client(Sits)
        assert (await its.run("ui-breaks", 0)).by is EndedBy.THEM
        await serving.ui.until(notices=2)
        assert [line for line in serving.ui.notices if "raised ZeroDivisionError" in line]
        while serving._server.capacity:
            await idle()
        assert not serving.task.done()


async def test_a_feature_that_cannot_host_keeps_nobody_inside() -> None:
    class Fails(Table):
        """Has no chair."""

        name = "fails"

        def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
            raise Usage("There is no chair.")

    async with Hosting("no-chair", Fails) as serving:
        its, _ = client(Sits)
        await its.run("no-chair", 0)
        assert "There is no chair." in serving.ui.notices
        assert not len(serving._server.capacity)
        assert not serving.task.done()


class SaysWhy(Records):
    """Its goodbye carries a reason."""

    name = "says-why"
    needs = frozenset()


@pytest.mark.parametrize(("guests", "reason"), [(1, "The other side said exit."), (2, "The server was stopped.")])
async def test_one_guest_hears_an_exit_and_several_hear_that_the_server_ends(guests: int, reason: str) -> None:
    async with Hosting(f"leaves-{guests}", Table, SaysWhy, keep=False) as serving:
        for _ in range(guests):
            await serving.comes(SaysWhy)
        await serving.holds(guests)
        serving.ui.session.say("exit")
        await serving.task
        assert [(await task).reason for task in serving.talking] == [reason] * guests


async def test_what_fails_for_one_of_several_is_told_and_does_not_count_at_the_end() -> None:
    async with Hosting("one-fails", Table, Nobody, SaysWhy, keep=False) as serving:
        one, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.holds(2)
        one.session.stream.close()
        await serving.holds(1)
        await serving.ui.until(notices=2)
        assert serving.ui.notices[1].startswith("memory:client: The connection ended without a goodbye")
        two.session.exit()
        assert await serving.task == Ending(EndedBy.THEM, "The other side said exit.")


async def test_what_one_of_several_did_not_receive_is_the_ending_of_the_user_that_left_them() -> None:
    async with Hosting("unreceived", Table, SaysWhy, keep=False) as serving:
        _, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.holds(2)
        serving.ui.session.say("hello")
        serving.ui.session.say("exit")
        two.session.stream.close()
        ending = await serving.task
        assert serving.table.closed == [EndedBy.US, EndedBy.US]
        assert isinstance(ending.error, NotReceived)


async def test_what_fails_for_the_last_of_several_is_the_ending_and_no_notice() -> None:
    async with Hosting("last-fails", Table, Nobody, SaysWhy, keep=False) as serving:
        one, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.holds(2)
        one.session.exit()
        await serving.holds(1)
        two.session.stream.close()
        assert (await serving.task).by is EndedBy.FAULT
        assert len(serving.ui.notices) == 1


async def test_a_ui_that_breaks_leaves_several_guests_to_each_other() -> None:
    breaks = asyncio.Event()

    class BreaksLater(RecordingUi):
        """Breaks when it is told to."""

        async def run(self, conversation: Conversation) -> None:
            await breaks.wait()
            raise ZeroDivisionError

    async with Hosting("ui-breaks-later", Table, BreaksLater) as serving:
        one, two = await serving.comes(), await serving.comes()
        await serving.holds(2)
        breaks.set()
        await serving.ui.until(notices=2)
        assert "raised ZeroDivisionError" in serving.ui.notices[1]
        one.session.say("still here")
        await two.until(messages=1)
        assert not serving.task.done()


async def test_of_two_that_finish_their_handshake_at_once_one_is_told_that_the_other_was_faster() -> None:
    async with Serving("at-once") as serving:
        its, ui = client(Sits)
        talking = asyncio.create_task(its.run("at-once", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
        (inside,) = serving._server.capacity
        with pytest.raises(Busy, match="one client at a time"):
            await serving._server.handler.attach(inside)
        assert not talking.done()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
