"""The two ends of a conversation, over a transport: one connects, one listens, and one bad peer is only one bad peer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from plytalk.core.ends import Client, End
from plytalk.core.errors import BrokenPlugin, CannotConnect, HandshakeFailed, ImpossibleStack, Refused, Usage
from plytalk.core.host import Host
from plytalk.core.keys import Identity, Peer, Role, Secrets
from plytalk.core.layers import Authenticator, Layer, Listener, Stream
from plytalk.core.limits import Limits
from plytalk.core.properties import Property
from plytalk.core.server import Server
from plytalk.core.session import By, Ending, Session
from plytalk.core.testing import GivenKeys, RecordingUi, TypedFrames, stack_of
from plytalk.core.testing.transports import Receiver
from plytalk.core.testing.verdict import idle
from plytalk.plugins.transports.memory import Memory

QUICK = Limits(first_byte=0.4, handshake=0.6, goodbye=0.01)
PATIENT = Limits(first_byte=3600, handshake=3600, goodbye=0.01)


class Says(RecordingUi):
    """Says hello, and goes."""

    async def run(self, session: Session) -> None:
        session.say("hello")
        await session.drain()
        session.exit()


def client(*layers: type[Layer], hook=None, limits: Limits = PATIENT) -> tuple[Client, RecordingUi]:
    return end(Client, *layers, hook=hook, limits=limits)


def server(*layers: type[Layer], hook=None, limits: Limits = PATIENT, **options) -> tuple[Server, RecordingUi]:
    return end(Server, *layers, hook=hook, limits=limits, **options)


def end(kind: type[End], *layers: type[Layer], hook, limits: Limits, **options):
    stack = stack_of(Memory, *layers)
    return kind(stack, hook or Host(points=[]).manager.hook, limits=limits, **options), stack.ui


class Serving:
    """A server that runs while the block does."""

    def __init__(self, place: str, *layers: type[Layer], keep: bool = True, **options) -> None:
        self._server, self.ui = server(*layers, **options)
        self._place, self._keep = place, keep

    async def __aenter__(self) -> "Serving":
        self.task = asyncio.create_task(self._server.run(self._place, 0, keep=self._keep))
        await self.ui.until(listening=True)
        return self

    async def __aexit__(self, *error) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def stranger(self) -> tuple[Stream, Receiver]:
        """A peer as bare bytes."""
        stream = await Memory().connect(self._place, 0)
        return stream, Receiver(stream)

    async def talks(self, *layers: type[Layer]) -> tuple[Ending, RecordingUi]:
        """A whole conversation with it, once it is free."""
        while self._server._busy:
            await idle()
        its, ui = client(*layers or (Says,))
        return await its.run(self._place, 0), ui


# -- one conversation -----------------------------------------------------------------------------------------------------


async def test_a_server_ends_with_its_only_conversation() -> None:
    async with Serving("once", keep=False) as serving:
        ending, _ = await serving.talks()
        assert ending == Ending(By.US, "You said exit.")
        assert await serving.task == Ending(By.THEM, "The other side said exit.")
    assert serving.ui.messages == ["hello"]
    assert serving.ui.notices == [
        "Listening on once with memory | test-typed | test-keys | test-unsealed | test-words | test-recording."
    ]
    assert serving.ui.ending == Ending(By.THEM, "The other side said exit.")


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


async def test_nobody_there_is_said_in_words() -> None:
    its, _ = client()
    with pytest.raises(CannotConnect, match="Nothing listens"):
        await its.run("nowhere", 0)


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
        assert ending.by is By.THEM
        assert "memory:client was turned away: this server talks to one at a time." in serving.ui.notices
        assert not talking.done()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


# -- bad peers ------------------------------------------------------------------------------------------------------------


BAD = {
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "a huge frame": b"K\xff\xff\xff\xff",
    "half a frame": TypedFrames().encode(b"K", bytes(64))[:20],
    "another kind": TypedFrames().encode(b"Z", bytes(64)),
    "nothing": b"",
}


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
@pytest.mark.parametrize("closes", [True, False])
async def test_one_bad_peer_costs_one_notice_and_nothing_else(sent: bytes, closes: bool) -> None:
    async with Serving("bad", limits=QUICK) as serving:
        stream, heard = await serving.stranger()
        stream.send(sent)
        if closes:
            stream.close()
        await serving.ui.until(notices=2)
        assert serving.ui.notices[1].startswith("memory:client did not get in: ")
        if not closes:
            await heard.hears_the_end("the connection stays open")
        assert heard.came == b""
        await serving.talks()
        await serving.ui.until(messages=1)
        stream.close()


async def test_only_so_many_may_be_in_their_handshake_at_once() -> None:
    limits = replace(PATIENT, unauthenticated=5, unauthenticated_per_address=100)
    await assert_only_some_get_in("many", limits, 5)


async def test_and_of_one_address_fewer() -> None:
    limits = replace(PATIENT, unauthenticated=100, unauthenticated_per_address=3)
    await assert_only_some_get_in("same", limits, 3)


async def assert_only_some_get_in(place: str, limits: Limits, expected: int) -> None:
    """All come before the server has looked at any of them."""
    async with Serving(place, limits=limits) as serving:
        strangers = [await serving.stranger() for _ in range(10)]
        for _ in range(10):
            await idle()
        assert [bool(heard.ends) for _, heard in strangers] == [True] * (10 - expected) + [False] * expected
        for stream, _ in strangers[-expected:]:
            stream.close()
        await serving.ui.until(notices=1 + expected)
        await serving.talks()
        await serving.ui.until(messages=1)


async def test_many_that_stand_still_keep_nobody_out() -> None:
    async with Serving("standing", limits=replace(PATIENT, unauthenticated=5)) as serving:
        strangers = [await serving.stranger() for _ in range(20)]
        await serving.talks()
        await serving.ui.until(messages=1)
        assert sum(not heard.ends for _, heard in strangers) == 4


class Far(Memory):
    """Peers that are not on this machine."""

    async def listen(self, host: str, port: int) -> Listener:
        listener = await super().listen(host, port)
        arrive = listener.arrive

        def from_afar(stream: Stream) -> None:
            stream.peer = "192.0.2.1:1234"
            arrive(stream)

        listener.arrive = from_afar
        return listener


async def test_who_keeps_failing_is_turned_away_unheard_and_without_a_word() -> None:
    async with Serving("failing", Far, limits=replace(PATIENT, failures=3)) as serving:
        for number in range(1, 4):
            stream, _ = await serving.stranger()
            stream.close()
            await serving.ui.until(notices=1 + number)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert len(serving.ui.notices) == 4


async def test_a_peer_that_is_silent_keeps_nobody_out() -> None:
    async with Serving("silent") as serving:
        stream, _ = await serving.stranger()
        await serving.talks()
        await serving.ui.until(messages=1)
        stream.close()


async def test_a_conversation_that_breaks_does_not_end_a_server_that_keeps_on() -> None:
    async with Serving("breaks") as serving:
        stream, _ = await serving.stranger()
        stream.send(TypedFrames().encode(b"K", bytes(64)) + b"M\xff\xff\xff\xff")
        await serving.ui.until(notices=2)
        assert "announced a frame of 4,294,967,295 bytes" in serving.ui.notices[1]
        stream.close()
        await serving.talks()
        await serving.ui.until(messages=1)


# -- faults of our own ----------------------------------------------------------------------------------------------------


def breaking(method: str) -> type[RecordingUi]:
    async def later(self, *arguments) -> None:
        raise ZeroDivisionError

    def broken(self, *arguments) -> None:
        raise ZeroDivisionError

    return type("Breaking", (RecordingUi,), {"__doc__": "Breaks.", method: later if method == "run" else broken})


@pytest.mark.parametrize("method", ["run", "opened"])
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

        def closed(self, session: Session, ending: Ending) -> None:
            raise ZeroDivisionError

    async with Serving("late") as serving:
        with pytest.raises(BrokenPlugin, match="The ui"):
            await serving.talks(Breaks)


@pytest.mark.parametrize("keep", [True, False])
async def test_a_server_whose_ui_breaks_goes_on_if_it_is_to(keep: bool) -> None:
    async with Serving("host", breaking("run"), keep=keep) as serving:
        ending, _ = await serving.talks(RecordingUi)
        assert ending.by is By.THEM
        if keep:
            await serving.ui.until(notices=2)
            assert "raised ZeroDivisionError" in serving.ui.notices[1]
            assert not serving.task.done()
        else:
            with pytest.raises(BrokenPlugin):
                await serving.task


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
    with pytest.raises(ZeroDivisionError):
        await its.run("breaks", 0)


@pytest.mark.parametrize("failing", ["waiting", "notice"])
async def test_a_ui_that_breaks_before_anybody_came_leaves_no_listener(failing: str) -> None:
    for _ in range(2):  # the second time the place must be free
        its, _ = server(breaking(failing))
        with pytest.raises(ZeroDivisionError):
            await its.run("leaves", 0)


@pytest.mark.parametrize("method", ["connect", "listen"])
async def test_a_transport_that_breaks_is_named(method: str) -> None:
    async def broken(self, host: str, port: int) -> Stream:
        raise ZeroDivisionError

    breaks = type("Breaks", (Memory,), {"__doc__": "Breaks.", method: broken})
    its, _ = (client if method == "connect" else server)(breaks)
    with pytest.raises(BrokenPlugin, match="The transport `memory` raised ZeroDivisionError"):
        await its.run("breaks", 0)


# -- people ---------------------------------------------------------------------------------------------------------------


class Shows(GivenKeys):
    """The server shows a key, and waits for the keys no longer than it likes."""

    name = "shows"
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}

    async def initiate(self, wire) -> Secrets:
        await wire.ask(Identity("test", await wire.receive(b"I", 9)))
        secrets = await super().initiate(wire)
        await wire.receive(b"O", 9)
        return secrets

    async def respond(self, wire) -> Secrets:
        await wire.send(b"I", b"key")
        secrets = await super().respond(wire)
        await wire.send(b"O", b"ok")
        return secrets


class Remembers(Authenticator):
    """Asks once."""

    name = "remembers"
    judges = {Role.INITIATOR}

    def __init__(self) -> None:
        self.trusted = False

    async def check(self, peer: Peer) -> None:
        self.trusted = self.trusted or await peer.confirm("Trust it?", "--yes")
        if not self.trusted:
            raise Refused("You said no.")


class Thinks(Says):
    """Thinks longer than a server waits, and says yes."""

    def __init__(self, answer: bool = True) -> None:
        super().__init__(answer)

    async def confirm(self, question: str, otherwise: str) -> bool:
        await asyncio.sleep(0.8)
        return await super().confirm(question, otherwise)


async def test_who_said_yes_too_late_connects_again_and_is_not_asked_again() -> None:
    async with Serving("late-yes", Shows, limits=QUICK) as serving:
        its, ui = client(Shows, Remembers, Thinks)
        assert (await its.run("late-yes", 0)).by is By.US
        assert ui.questions == ["Trust it?"]
        assert ui.notices == ["The other side did not wait for your answer: connecting again."]
        await serving.ui.until(messages=1)


async def test_who_said_no_does_not_connect_again() -> None:
    class SaysNo(Thinks):
        """Says no."""

        def __init__(self) -> None:
            super().__init__(False)

    async with Serving("late-no", Shows, limits=QUICK):
        its, ui = client(Shows, Remembers, SaysNo)
        with pytest.raises(Refused, match="You said no"):
            await its.run("late-no", 0)
        assert ui.notices == []


async def test_a_server_says_what_it_announces_and_whom_it_introduces() -> None:
    async with Serving(
        "says", announce=lambda address: [f"Tell them {address}."], introduce=lambda session: [f"This is {session.address}."]
    ) as serving:
        await serving.talks()
        await serving.ui.until(messages=1)
        assert serving.ui.notices[1:] == ["Tell them says.", "This is memory:client."]


async def test_a_server_whose_invitation_is_used_up_ends() -> None:
    class Once(Authenticator):
        """Lets nobody in, and has no more to try."""

        name = "once"
        judges = {Role.RESPONDER}
        needs = frozenset()
        spent = ""

        async def check(self, peer: Peer) -> None:
            type(self).spent = "The code was guessed wrong too often."
            raise Refused("Wrong code.")

    class ShowsBoth(Shows):
        """The client shows a key too."""

        shows = {Role.INITIATOR}

        async def initiate(self, wire) -> Secrets:
            return await GivenKeys.initiate(self, wire)

        async def respond(self, wire) -> Secrets:
            secrets = await GivenKeys.respond(self, wire)
            await wire.ask(Identity("test", b"key"))
            return secrets

    async with Serving("spent", ShowsBoth, Once) as serving:
        stream, _ = await serving.stranger()
        stream.send(TypedFrames().encode(b"K", bytes(64)))
        with pytest.raises(Refused, match="guessed wrong too often"):
            await serving.task
        stream.close()


# -- interrupted ----------------------------------------------------------------------------------------------------------


async def test_whoever_interrupts_a_client_says_goodbye_for_it() -> None:
    async with Serving("interrupted") as serving:
        its, ui = client()
        talking = asyncio.create_task(its.run("interrupted", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking
        await serving.talks()
        assert serving.ui.ending == Ending(By.THEM, "The other side said exit.")


async def test_whoever_interrupts_a_server_says_goodbye_for_it() -> None:
    async with Serving("stopped") as serving:
        its, ui = client()
        talking = asyncio.create_task(its.run("stopped", 0))
        await ui.until(open=True)
        await serving.ui.until(open=True)
    assert await talking == Ending(By.THEM, "The other side said exit.")


async def test_a_peer_that_comes_as_the_server_ends_is_not_forgotten() -> None:
    async with Serving("ends") as serving:
        stream, heard = await serving.stranger()
        serving.task.cancel()
    await heard.hears_the_end("the connection stays open")
    stream.close()


async def test_a_ui_that_has_nothing_more_to_say_leaves_the_conversation_open() -> None:
    class Quiet(RecordingUi):
        """Returns at once."""

        async def run(self, session: Session) -> None:
            session.say("that was all")

    async with Serving("quiet", keep=False) as serving:
        its, ui = client(Quiet)
        talking = asyncio.create_task(its.run("quiet", 0))
        await serving.ui.until(messages=1)
        assert serving.ui.session is not None
        serving.ui.session.say("good to know")
        serving.ui.session.exit()
        assert (await talking).by is By.THEM
        assert ui.messages == ["good to know"]


# -- what goes before -----------------------------------------------------------------------------------------------------


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


async def test_a_stack_that_cannot_work_in_this_role_is_refused_before_connecting() -> None:
    class Judge(Authenticator):
        """Judges clients."""

        name = "judge"
        judges = {Role.RESPONDER}

        async def check(self, peer: Peer) -> None:
            pass

    with pytest.raises(ImpossibleStack, match="--auth judge cannot work on the client"):
        await client(Judge)[0].run("nowhere", 0)


async def test_a_peer_that_is_refused_hears_nothing_of_why() -> None:
    class Shown(GivenKeys):
        """The client shows a key."""

        name = "shown"
        gives = {Property.KEYS, Property.PEER_KEY}
        shows = {Role.INITIATOR}

        async def respond(self, wire) -> Secrets:
            secrets = await super().respond(wire)
            await wire.ask(Identity("test", b"key"))
            await wire.send(b"O", b"ok")
            return secrets

        async def initiate(self, wire) -> Secrets:
            secrets = await super().initiate(wire)
            await wire.receive(b"O", 2)
            return secrets

    class Nobody(Authenticator):
        """Lets nobody in."""

        name = "nobody"
        judges = {Role.RESPONDER}

        async def check(self, peer: Peer) -> None:
            raise Refused("You are not on the list.")

    async with Serving("door", Shown, Nobody) as serving:
        with pytest.raises(HandshakeFailed, match="closed the connection") as failure:
            await serving.talks(Shown, Says)
        assert "list" not in failure.value.sentence
        await serving.ui.until(notices=2)
        assert serving.ui.notices[1] == "memory:client did not get in: You are not on the list."


# -- hooks ----------------------------------------------------------------------------------------------------------------


def hooks(**implementations):
    from plytalk import hookimpl

    manager = Host(points=[]).manager
    module = SimpleNamespace(**{name: hookimpl(function) for name, function in implementations.items()})
    manager.register(module, "plytalk_feature_mine")
    return manager.hook


async def test_hooks_hear_of_every_conversation() -> None:
    heard: list[object] = []

    def session_opened(session: Session) -> None:
        heard.append(session.address)

    def session_closed(session: Session, ending: Ending) -> None:
        heard.append(ending.by)

    async with Serving("hooks") as serving:
        its, _ = client(Says, hook=hooks(session_opened=session_opened, session_closed=session_closed))
        await its.run("hooks", 0)
        assert serving.ui.messages == ["hello"]
    assert heard == ["memory:server", By.US]


async def test_a_hook_that_raises_at_the_start_ends_the_conversation_with_a_goodbye() -> None:
    def session_opened(session: Session) -> None:
        raise ZeroDivisionError

    async with Serving("hook") as serving:
        its, _ = client(Says, hook=hooks(session_opened=session_opened))
        with pytest.raises(BrokenPlugin, match="The hook `session_opened` of .*test_ends raised ZeroDivisionError"):
            await its.run("hook", 0)
        await serving.ui.until(over=True)
        assert serving.ui.ending == Ending(By.THEM, "The other side said exit.")
        await serving.talks()
        assert serving.ui.messages == ["hello"]


@pytest.mark.parametrize("error", [ZeroDivisionError(), Usage("The history is full.")])
async def test_a_hook_that_raises_at_the_end_is_reported_and_changes_nothing(error: Exception) -> None:
    def session_closed(session: Session, ending: Ending) -> None:
        raise error

    async with Serving("end"):
        its, ui = client(Says, hook=hooks(session_closed=session_closed))
        assert (await its.run("end", 0)).by is By.US
    assert len(ui.notices) == 1
    assert "ZeroDivisionError" in ui.notices[0] or "The history is full." in ui.notices[0]
