"""What both endpoints share: features of the start and the end, hooks, and UIs that break."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from serving import Says, Serving, breaking, breaking_at, client, hooks, server

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BrokenPlugin, CannotConnect, ImpossibleStack, Usage
from plytalk.core.contracts.events import Closed, Event, Open
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.endpoint import stop
from plytalk.core.io.memory_stream import MemoryStream
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, RecordingUi
from plytalk.testing.verdict import idle


@pytest.mark.parametrize("method", ["run", "open"])
async def test_a_ui_that_breaks_is_named_and_the_peer_gets_a_goodbye(method: str) -> None:
    async with Serving("ui") as serving:
        its, _ = client(breaking(method))
        with pytest.raises(BrokenPlugin, match="The ui `test-recording` raised ZeroDivisionError"):
            await its.run("ui", 0)
        await serving.ui.until(over=True)
        await serving.talks()
        await serving.ui.until(messages=1)
    assert serving.ui.ending is not None
    assert "exit" in serving.ui.ending.reason


async def test_a_ui_that_breaks_at_the_end_is_named() -> None:
    class Breaks(Says):
        """Breaks at the end."""

        show = breaking_at(Closed)

    async with Serving("late") as serving:
        with pytest.raises(BrokenPlugin, match="The ui"):
            await serving.talks(Breaks)


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("place", ["run", "show", "closed"])
async def test_a_ui_cannot_end_the_program(place: str, error: type[BaseException]) -> None:
    class Ends(Says):
        """Raises what would end the program."""

        async def run(self, session: DirectChat) -> None:
            if place == "run":
                raise error
            await super().run(session)

        def show(self, event: Event) -> None:
            if isinstance(event, {"show": Open, "closed": Closed}.get(place, ())):
                raise error
            super().show(event)

    async with Serving("ends") as serving:
        with pytest.raises(BrokenPlugin, match=f"The ui `test-recording` raised {error.__name__}; the conversation ends here"):
            await serving.talks(Ends)
        await serving.ui.until(over=True)


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("make", [client, server])
async def test_a_ui_that_breaks_at_the_first_notice_is_named(make: Callable[..., Any], error: type[BaseException]) -> None:
    class Ready(GivenKeys):
        """Has something to say."""

        async def ready(self, role: Role, secret) -> Sequence[str]:
            return ["Ready."]

    class Ends(Says):
        """Shows nothing."""

        def show(self, event: Event) -> None:
            raise error

    its, _ = make(Ready, Ends)
    with pytest.raises(BrokenPlugin, match=f"The ui `test-recording` raised {error.__name__}"):
        await its.run("first-notice", 0)


async def test_a_stream_that_breaks_while_the_ui_waits_for_it_is_the_transports_fault() -> None:
    class Bursts(Memory):
        """Its streams do not drain."""

        async def connect(self, host: str, port: int) -> Stream:
            stream = await super().connect(host, port)
            stream.__class__ = Bursting
            return stream

    class Bursting(MemoryStream):
        talks = False

        async def drained(self) -> None:
            if self.talks:
                raise ZeroDivisionError

    class Talks(Says):
        async def run(self, session: DirectChat) -> None:
            Bursting.talks = True
            await super().run(session)

    async with Serving("bursts") as serving:
        with pytest.raises(BrokenPlugin, match="The transport `memory` raised ZeroDivisionError; the conversation ends here"):
            await serving.talks(Talks, Bursts)


@pytest.mark.parametrize("method", ["connect", "listen"])
async def test_a_transport_that_breaks_is_named(method: str) -> None:
    async def broken(self, host: str, port: int) -> Stream:
        raise ZeroDivisionError

    breaks = type("Breaks", (Memory,), {"__doc__": "Breaks.", method: broken})
    its, _ = (client if method == "connect" else server)(breaks)
    with pytest.raises(BrokenPlugin, match="The transport `memory` raised ZeroDivisionError"):
        await its.run("breaks", 0)


async def test_a_ui_that_has_nothing_more_to_say_leaves_the_conversation_open() -> None:
    class Quiet(RecordingUi):
        """Returns at once."""

        async def run(self, session: DirectChat) -> None:
            session.say("that was all")

    async with Serving("quiet", keep=False) as serving:
        its, ui = client(Quiet)
        talking = asyncio.create_task(its.run("quiet", 0))
        await serving.ui.until(messages=1)
        assert serving.ui.session is not None
        serving.ui.session.say("good to know")
        serving.ui.session.exit()
        assert (await talking).by is EndedBy.THEM
        assert ui.messages == ["good to know"]


async def test_layers_get_ready_before_anything_else_and_say_so() -> None:
    class Ready(GivenKeys):
        """Has something to say."""

        async def ready(self, role: Role, secret) -> Sequence[str]:
            return [f"Ready as the {role.value}."]

    its, ui = client(Ready)
    with pytest.raises(CannotConnect):
        await its.run("nowhere", 0)
    assert ui.notices == ["Ready as the client."]


async def test_a_layer_that_cannot_get_ready_stops_everything() -> None:
    def failing(error: Exception) -> type[GivenKeys]:
        async def ready(self, role: Role, secret) -> Sequence[str]:
            raise error

        return type("Failing", (GivenKeys,), {"__doc__": "Fails.", "ready": ready})

    with pytest.raises(Usage, match="no key"):
        await client(failing(Usage("no key")))[0].run("nowhere", 0)
    with pytest.raises(BrokenPlugin, match="The handshake `test-keys` raised ZeroDivisionError before the start"):
        await server(failing(ZeroDivisionError()))[0].run("nowhere", 0)


async def test_an_authenticator_that_cannot_take_where_its_server_listens_stops_the_server() -> None:
    class Lost(Authenticator):
        """Wants to know where it is."""

        name = "lost"
        agrees = "lost"

        async def verify(self, channel: Channel, peer: Peer) -> None:
            pass

        def listening(self, addresses: Sequence[str]) -> Sequence[str]:
            raise ZeroDivisionError

    with pytest.raises(BrokenPlugin, match="The authenticator `lost` raised ZeroDivisionError before the start"):
        await server(Lost)[0].run("nowhere", 0)


async def test_a_stack_that_cannot_work_in_this_role_is_refused_before_connecting() -> None:
    class Judge(Authenticator):
        """Judges clients."""

        name = "judge"
        judges = {Role.RESPONDER}

        async def check(self, peer: Peer) -> None:
            pass

    with pytest.raises(ImpossibleStack, match="--auth judge cannot work on the client"):
        await client(Judge)[0].run("nowhere", 0)


async def test_hooks_hear_of_every_conversation() -> None:
    heard: list[object] = []

    def session_opened(session: DirectChat) -> None:
        heard.append(session.address)

    def session_closed(session: DirectChat, ending: Ending) -> None:
        heard.append(ending.by)

    async with Serving("hooks") as serving:
        its, _ = client(Says, hook=hooks(session_opened=session_opened, session_closed=session_closed))
        await its.run("hooks", 0)
        assert serving.ui.messages == ["hello"]
    assert heard == ["memory:server", EndedBy.US]


async def test_a_hook_that_raises_at_the_start_ends_the_conversation_with_a_goodbye() -> None:
    def session_opened(session: DirectChat) -> None:
        raise ZeroDivisionError

    async with Serving("hook") as serving:
        its, _ = client(Says, hook=hooks(session_opened=session_opened))
        with pytest.raises(
            BrokenPlugin, match=r"The hook `session_opened` of .*test_endpoint raised ZeroDivisionError"
        ) as blamed:
            await its.run("hook", 0)
        line = session_opened.__code__.co_firstlineno + 1
        assert f"See {__file__}:{line} of " in blamed.value.hint
        assert blamed.value.hint.endswith("The contract asks for session_opened(session: DirectChat) -> None.")
        await serving.ui.until(over=True)
        assert serving.ui.ended == ("them", "The other side said exit.")
        await serving.talks()
        assert serving.ui.messages == ["hello"]


@pytest.mark.parametrize("error", [ZeroDivisionError(), Usage("The history is full.")])
async def test_a_hook_that_raises_at_the_end_is_reported_and_changes_nothing(error: Exception) -> None:
    def session_closed(session: DirectChat, ending: Ending) -> None:
        raise error

    async with Serving("end"):
        its, ui = client(Says, hook=hooks(session_closed=session_closed))
        assert (await its.run("end", 0)).by is EndedBy.US
    assert len(ui.notices) == 1
    assert "ZeroDivisionError" in ui.notices[0] or "The history is full." in ui.notices[0]


async def test_a_trace_tells_the_connections_of_a_server_apart() -> None:
    heard: list[TraceEvent] = []
    async with Serving("apart", Says, trace=heard.append) as serving:
        await serving.talks()
        await serving.talks()
    assert [event.group for event in heard if event.what == "started"] == ["", "connection 2"]
    assert {event.group for event in heard} == {"", "connection 2"}


async def test_what_is_stopped_ends_also_where_the_stopping_is_cancelled() -> None:
    for turns in range(1, 4):
        task = asyncio.create_task(asyncio.Event().wait())
        stopping = asyncio.create_task(stop(task))
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.wait([stopping])
        await idle()
        assert task.cancelled(), turns
