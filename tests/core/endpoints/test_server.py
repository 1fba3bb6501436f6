"""The endpoint that listens: its addresses, its listener's faults, its files, and interruptions."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from serving import PATIENT, Says, Serving, breaking, client, end, server
from tables import Hosting, Sits, Table

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BrokenPlugin, CannotConnect, Usage
from plytalk.core.contracts.events import Notice
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import ListenAddress
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, PlainFrames, stack_of
from plytalk.testing.verdict import within


async def test_a_server_ends_with_its_only_conversation() -> None:
    async with Serving("once", keep=False) as serving:
        ending, _ = await serving.talks()
        assert ending == Ending(EndedBy.US, "You said exit.")
        assert await serving.task == Ending(EndedBy.THEM, "The other side said exit.")
    assert serving.ui.messages == ["hello"]
    assert serving.ui.notices == ["Listening on once with test-typed | test-keys | test-unsealed | test-words."]
    assert serving.ui.ended == ("them", "The other side said exit.")


async def test_a_server_keeps_on_only_where_it_is_told_to() -> None:
    its, ui = server()
    serving = asyncio.create_task(its.run("told", 0))
    await ui.until(listening=True)
    await client(Says)[0].run("told", 0)
    assert (await within(serving, "It keeps on.")).by is EndedBy.THEM


async def test_a_listener_that_fails_ends_the_server() -> None:
    class Fails(Memory):
        """Its listener fails."""

        async def listen(self, host: str, port: int) -> Listener:
            listener = await super().listen(host, port)
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(listener.close()))
            return listener

    its, _ = server(Fails)
    with pytest.raises(CannotConnect, match="The listener is closed"):
        await its.run("fails", 0, keep=True)


async def test_a_server_that_is_told_to_end_waits_for_no_door_that_does_not_open() -> None:
    opening, given_up = asyncio.Event(), asyncio.Event()

    class Hangs(Memory):
        """Does not listen for a long time, as at a relay that does not answer."""

        async def listen(self, host: str, port: int) -> Listener:
            opening.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            raise AssertionError

    its, _ = server(Hangs)
    running = asyncio.create_task(its.run("hangs", 0, keep=True))
    await within(opening.wait(), "It opens no door.")
    its.stop()
    assert await within(running, "It waits for the door.") == Ending(EndedBy.US, "The server was told to end.")
    assert given_up.is_set()


async def test_a_listener_that_breaks_ends_the_server_too() -> None:
    class Breaks(Memory):
        """Its listener breaks."""

        async def listen(self, host: str, port: int) -> Listener:
            listener = await super().listen(host, port)
            listener.accept = self._accept  # type: ignore[method-assign]
            return listener

        async def _accept(self) -> Stream:
            raise ZeroDivisionError

    its, _ = server(Breaks)
    with pytest.raises(BrokenPlugin, match="The transport `memory` raised ZeroDivisionError"):
        await its.run("breaks", 0)


async def test_a_listener_that_gets_another_address_is_told_with_the_line_for_the_other_side() -> None:
    class Moves(Memory):
        """Its listener goes away, and comes back at another address."""

        listener: Listener

        async def listen(self, host: str, port: int) -> Listener:
            Moves.listener = await super().listen(host, port)
            Moves.listener.report = lambda tell: setattr(Moves, "tell", tell)  # type: ignore[method-assign]
            return Moves.listener

    its, ui = server(Moves, announce=lambda doors, guests: [f"Connect to {door.address}." for door in doors])
    serving = asyncio.create_task(its.run("here", 0))
    await ui.until(listening=True)
    before = [*ui.notices]
    Moves.tell("Gone.")
    Moves.listener.address = "there"
    Moves.tell("Back.")
    Moves.tell("Back again.")
    layers = "with test-typed | test-keys | test-unsealed | test-words."
    assert before == [f"Listening on here {layers}", "Connect to here."]
    assert ui.notices[2:] == ["Gone.", "Back.", f"Listening on there {layers}", "Connect to there.", "Back again."]
    Moves.listener.address = "here"
    its.stop()
    await within(serving, "It does not stop.")


async def test_where_a_server_listens_is_told_without_control_characters() -> None:
    """A relay, a proxy or a directory that another runs has a part in the address."""

    class Elsewhere(Memory):
        """Its listener's address is hostile."""

        listener: Listener

        async def listen(self, host: str, port: int) -> Listener:
            Elsewhere.listener = await super().listen(host, port)
            Elsewhere.listener.address = "7\x1b]0;title\x07"
            return Elsewhere.listener

    its, ui = server(Elsewhere, announce=lambda doors, guests: [f"Connect to {door.address}." for door in doors])
    serving = asyncio.create_task(its.run("here", 0))
    await ui.until(listening=True)
    assert len(ui.notices) == 2
    assert all("7\u241b]0;title\u2407" in notice for notice in ui.notices)
    Elsewhere.listener.address = "here"
    its.stop()
    await within(serving, "It does not stop.")


@pytest.mark.parametrize("failing", ["show", "notice"])
async def test_a_ui_that_breaks_before_anybody_came_leaves_no_listener(failing: str) -> None:
    for _ in range(2):  # the second time the place must be free
        its, _ = server(breaking(failing))
        with pytest.raises(BrokenPlugin, match="The ui `test-recording` raised ZeroDivisionError"):
            await its.run("leaves", 0)


async def test_what_a_server_says_of_itself_is_not_counted_as_notices_about_peers() -> None:
    sentences = [f"Warning {number} about this end." for number in range(60)]

    class Warns(GivenKeys):
        """Has much to say before it starts."""

        async def ready(self, role: Role, secret) -> Sequence[str]:
            return sentences

    async with Serving("warns", Warns) as serving:
        await serving.ui.until(notices=len(sentences))
        assert [said for said in serving.ui.notices if said.startswith("Warning")] == sentences


async def test_nobody_is_kept_waiting_before_a_server_listens() -> None:
    """A layer may ask for a passphrase first, and was told after three seconds of typing that it keeps everybody waiting."""
    watched: list[bool] = []

    def is_watched() -> bool:
        return any(thread.name == "watchdog" for thread in threading.enumerate())

    class Asks(GivenKeys):
        """Asks for a passphrase."""

        async def ready(self, role: Role, secret) -> Sequence[str]:
            watched.append(is_watched())
            return ()

    async with Serving("asks", Asks) as serving:
        await serving.ui.until(listening=True)
        await serving.talks()
        assert watched == [False]
        assert is_watched()


async def test_a_server_says_what_it_announces_and_whom_it_introduces() -> None:
    async with Serving(
        "says",
        announce=lambda doors, guests: [f"Tell them {door.address}." for door in doors],
        introduce=lambda session: [f"This is {session.address}."],
    ) as serving:
        await serving.talks()
        await serving.ui.until(messages=1)
        assert serving.ui.notices[1:] == ["Tell them says.", "This is memory:client."]


async def test_whoever_interrupts_a_server_says_goodbye_for_it() -> None:
    async with Serving("stopped") as serving:
        its, ui = client()
        talking = asyncio.create_task(its.run("stopped", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
    assert await talking == Ending(EndedBy.THEM, "The other side said exit.")


async def test_a_peer_that_comes_as_the_server_ends_is_not_forgotten() -> None:
    async with Serving("ends") as serving:
        stream, heard = await serving.stranger()
        serving.task.cancel()
    await heard.hears_the_end("the connection stays open")
    stream.close()


async def test_files_are_read_anew_and_what_cannot_be_read_leaves_all_as_it_was() -> None:
    def reading(name: str, outcome: Any) -> type[Feature]:
        class Reads(Feature):
            """Reads."""

            @hookimpl
            def reread(self) -> Sequence[str]:
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

        Reads.name = name
        return Reads

    features = [
        reading("good", ["Read \x1b."]),
        reading("bad", Usage("Line 3 is damaged.")),
        reading("broken", ZeroDivisionError()),
    ]
    async with Hosting("reread", Table, *features, reading("quiet", ())) as serving:
        one = await serving.comes()
        await serving.holds(1)
        serving._server.reread()
        told = serving.ui.notices[1:]
        assert "Read ␛." in told
        assert "Line 3 is damaged. Nothing was changed." in told
        (fault,) = (line for line in told if "ZeroDivisionError" in line)
        assert fault.startswith("Reloading failed. The hook `reread` of ")
        assert f"See {__file__}:" in fault
        assert len(told) == 3
        one.session.say("still here")
        await one.until(messages=1)


async def test_guests_who_speak_another_stack_come_into_the_same_room() -> None:
    guests = ListenAddress(stack_of(Memory, PlainFrames), "door-for-guests", 0, "old-chat")
    async with Hosting("door", Table, guests=[guests]) as serving:
        one = await serving.comes()
        its, two = end(Client, PlainFrames, Sits, hook=None, limits=PATIENT)
        serving.talking.append(asyncio.create_task(its.run("door-for-guests", 0)))
        await serving.holds(2)
        two.session.say("from afar")
        await one.until(messages=1)
        assert one.messages == ["from afar"]
        (told,) = (event for event in serving.ui.events if isinstance(event, Notice) and event.code == "listening")
        assert told.text == "Listening on door (old-chat:door-for-guests)."
        assert told.data == {"address": "door", "transport": "memory", "guests": {"old-chat": "door-for-guests"}}
    for place in ("door", "door-for-guests"):
        with pytest.raises(CannotConnect):
            await client()[0].run(place, 0)


async def test_a_guests_place_that_is_taken_leaves_no_listener() -> None:
    async with Serving("taken"):
        its, _ = server(Table, guests=[ListenAddress(stack_of(Memory), "taken", 0)])
        with pytest.raises(CannotConnect, match="listens at 'taken' already"):
            await its.run("mine", 0)
        async with Serving("mine"):
            pass


async def test_one_place_named_twice_is_refused_before_anything_listens() -> None:
    for doors in ([ListenAddress(stack_of(Memory), "twice", 0)], [ListenAddress(stack_of(Memory), one, 0) for one in "aa"]):
        its, _ = server(Table, doors=doors)
        with pytest.raises(Usage, match="The server would listen twice at memory:"):
            await its.run("twice", 0)
        async with Serving("twice"):
            pass


async def test_whoever_interrupts_a_server_with_many_says_goodbye_to_all() -> None:
    async with Hosting("interrupted-many", Table) as serving:
        for _ in range(3):
            await serving.comes()
        await serving.holds(3)
        serving.task.cancel()
        await asyncio.gather(serving.task, return_exceptions=True)
        assert [(await task).by for task in serving.talking] == [EndedBy.THEM] * 3
        assert serving.table.closed == [EndedBy.US] * 3
