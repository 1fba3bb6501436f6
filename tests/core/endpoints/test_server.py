"""The end that listens: bad peers, many in their handshake, and conversations that a feature brings together."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from serving import PATIENT, QUICK, Far, Says, Serving, Shows, breaking, client, end, server

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import BrokenPlugin, CannotConnect, ChatError, HandshakeFailed, NotReceived, Refused, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.items import EXIT, Empty, is_exit
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.contracts.ui import Conversation
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import ListenAddress
from plytalk.core.io.queue_listener import QueueListener
from plytalk.core.pipeline.session import EndedBy, Ending, Session
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.plugins.messages.records import Records
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, PlainFrames, RecordingUi, TypedFrames, stack_of
from plytalk.testing.parts import PlainWords
from plytalk.testing.verdict import idle, within


async def test_a_server_ends_with_its_only_conversation() -> None:
    async with Serving("once", keep=False) as serving:
        ending, _ = await serving.talks()
        assert ending == Ending(EndedBy.US, "You said exit.")
        assert await serving.task == Ending(EndedBy.THEM, "The other side said exit.")
    assert serving.ui.messages == ["hello"]
    assert serving.ui.notices == [
        "Listening on once with memory | test-typed | test-keys | test-unsealed | test-words | test-recording."
    ]
    assert serving.ui.ending == Ending(EndedBy.THEM, "The other side said exit.")


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


async def test_who_keeps_failing_is_turned_away_unheard_and_without_a_word() -> None:
    async with Serving("failing", Far, limits=replace(PATIENT, failures=3)) as serving:
        for number in range(1, 4):
            stream, _ = await serving.stranger()
            stream.close()
            await serving.ui.until(notices=1 + number)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert heard.came == b""
        assert serving.ui.notices[4:] == ["192.0.2.1:1234 did not get in: Too many handshakes from this source failed."]


async def test_who_gets_in_again_and_again_has_not_failed() -> None:
    async with Serving("again", Far, limits=replace(PATIENT, failures=2)) as serving:
        for number in range(1, 5):
            await serving.talks()
            await serving.ui.until(messages=number)


async def test_a_listener_can_ask_whom_to_refuse_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Callable[[str], bool]] = []
    monkeypatch.setattr(QueueListener, "screen", lambda self, refuses: asked.append(refuses))
    async with Serving("screened", Far, limits=replace(PATIENT, failures=1)) as serving:
        (refuses,) = asked
        assert not refuses("192.0.2.1:1234")
        stream, _ = await serving.stranger()
        stream.close()
        await serving.ui.until(notices=2)
        assert refuses("192.0.2.1:9")
        assert not refuses("192.0.2.2:9")
        assert serving.ui.notices[2:] == ["192.0.2.1:9 did not get in: Too many handshakes from this source failed."]


async def test_an_unfinished_handshake_that_makes_way_counts_as_failed_and_is_told() -> None:
    limits = replace(PATIENT, unauthenticated_per_address=2, failures=3)
    async with Hosting("unfinished", Table, Far, limits=limits) as serving:
        strangers = [await serving.stranger() for _ in range(5)]
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        told = [sentence for _, sentence in serving.table.turned_away_at]
        assert told == 3 * ["Its unfinished handshake made way for a newer one."] + [
            "Too many handshakes from this source failed."
        ]
        for stream, _ in strangers:
            stream.close()


async def test_notices_of_very_many_bad_peers_are_bounded() -> None:
    async with Serving("bounded", limits=replace(QUICK, unauthenticated=2000, unauthenticated_per_address=2000)) as serving:
        for _ in range(1000):
            stream, heard = await serving.stranger()
            stream.send(b"GET / HTTP/1.1\r\n\r\n")
            await heard.hears_the_end("It is not turned away.")
        serving._server._notices.summarise()
        assert len(serving.ui.notices) < 25
        assert "... and 980 more like this" in serving.ui.notices[-1]


class ShowsBoth(Shows):
    """The client shows a key too."""

    shows = {Role.INITIATOR}

    async def initiate(self, io) -> SessionSecrets:
        return await GivenKeys.initiate(self, io)

    async def respond(self, io) -> SessionSecrets:
        secrets = await GivenKeys.respond(self, io)
        await io.ask(Identity("test", b"key"))
        return secrets


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
        serving._server._notices.summarise()
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
        serving._server._notices.summarise()
        told = [notice for notice in serving.ui.notices if "was removed." in notice]
        assert len(told) < 25
        assert "... and 80 more like this" in told[-1]


async def test_a_spent_code_does_not_end_a_server_while_its_conversation_goes_on() -> None:
    class Used(Authenticator):
        """Lets one in, and nobody after it."""

        name = "used"
        judges = {Role.RESPONDER}
        needs = frozenset()
        spent = "It has been used."

        async def check(self, peer: Peer) -> None:
            pass

    for place, layers in (("used alone", (Used,)), ("used together", (Used, Table))):
        async with Serving(place, ShowsBoth, *layers) as serving:
            its, ui = client(ShowsBoth, RecordingUi)
            talking = asyncio.create_task(its.run(place, 0))
            await ui.until(open=True)
            await serving.ui.until(open=True)
            stream, heard = await serving.stranger()
            stream.send(b"GET / HTTP/1.1\r\n\r\n")
            await heard.hears_the_end("It is not turned away.")
            await idle()
            assert not serving.task.done()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


async def test_a_newcomer_that_cannot_be_introduced_ends_nothing() -> None:
    def introduce(session: Session) -> list[str]:
        raise ZeroDivisionError

    async with Serving("introduces", introduce=introduce) as serving:
        await serving.talks()
        await serving.ui.until(messages=1)
        assert "memory:client came in and could not be introduced: ZeroDivisionError." in serving.ui.notices
        assert not serving.task.done()


async def test_a_feature_that_gives_nobody_a_seat_ends_one_gathering_and_not_the_server() -> None:
    class Standing(Table):
        """Has no chairs."""

        def host(self, stack: Stack, address: str, leave: Callable[[], None]) -> Conversation:
            raise ZeroDivisionError

    async with Serving("standing", Standing) as serving:
        for _ in range(2):
            await serving.talks(RecordingUi)
        assert "The feature `table` raised ZeroDivisionError." in " ".join(serving.ui.notices)
        assert not serving.task.done()


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

    async with Serving("spent", ShowsBoth, Once) as serving:
        stream, _ = await serving.stranger()
        stream.send(TypedFrames().encode(b"K", bytes(64)))
        with pytest.raises(Refused, match="guessed wrong too often"):
            await serving.task
        stream.close()


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


async def test_a_peer_that_is_refused_hears_nothing_of_why() -> None:
    class Shown(GivenKeys):
        """The client shows a key."""

        name = "shown"
        gives = {Property.KEYS, Property.PEER_KEY}
        shows = {Role.INITIATOR}

        async def respond(self, io) -> SessionSecrets:
            secrets = await super().respond(io)
            await io.ask(Identity("test", b"key"))
            await io.send(b"O", b"ok")
            return secrets

        async def initiate(self, io) -> SessionSecrets:
            secrets = await super().initiate(io)
            await io.receive(b"O", 2)
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


# -- many, brought together by a feature ----------------------------------------------------------------------------------


class Chair:
    """The person at the server."""

    def __init__(self, table: "Table", stack: Stack, address: str, leave: Callable[[], None]) -> None:
        self.table, self.stack, self.address, self._leave = table, stack, address, leave
        self.ending: Ending | None = None
        self.failed = False

    def say(self, text: str) -> None:
        if is_exit(text):
            self.exit()
        elif not self.ending:
            self.table.tell(f"chair: {text}")

    async def drain(self) -> None:
        pass

    def exit(self, text: str = EXIT) -> None:
        if not self.ending:
            self.ending = Ending(EndedBy.US, "You said exit.")
            self._leave()

    def notice(self, sentence: str) -> None:
        self.stack.ui.notice(sentence)


class Sitting:
    """One of those at the table."""

    raw = False

    def __init__(self, table: "Table", session: Session) -> None:
        self.table, self.session = table, session
        self.notice = session.stack.ui.notice
        session.heard_by(self)
        session.when_over(lambda session, ending: table.sessions.remove(session))

    def message(self, text: str) -> None:
        if text == "break":
            raise ZeroDivisionError
        self.table.tell(text)


class Table(Feature):
    """Repeats to all what one says."""

    name = "table"
    hosts = True

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.heard: list[str] = []
        self.closed: list[EndedBy] = []
        self.turned_away_at: list[tuple[str, str]] = []

    def host(self, stack: Stack, address: str, leave: Callable[[], None]) -> Conversation:
        return Chair(self, stack, address, leave)

    def tell(self, text: str) -> None:
        self.heard.append(text)
        for session in self.sessions:
            session.say(text)

    @hookimpl
    def session_opened(self, session: Session) -> None:
        self.sessions.append(session)
        Sitting(self, session)

    @hookimpl
    def session_closed(self, session: Session, ending: Ending) -> None:
        self.closed.append(ending.by)

    @hookimpl
    def turned_away(self, address: str, error: ChatError) -> None:
        self.turned_away_at.append((address, error.sentence))


class Nobody(RecordingUi):
    """Nobody sits there."""

    name = "nobody"
    present = False


class Sits(RecordingUi):
    """Says nothing by itself."""


class Hosting(Serving):
    """A server with a table, and its guests."""

    async def __aenter__(self) -> "Hosting":
        await super().__aenter__()
        self.table = next(one for one in self._server.stack.features if isinstance(one, Table))
        self.talking: list[asyncio.Task[Ending]] = []
        return self

    async def __aexit__(self, *error) -> None:
        await super().__aexit__(*error)
        for task in self.talking:
            task.cancel()
        await asyncio.gather(*self.talking, return_exceptions=True)

    async def comes(self, *layers: Any, place: str = "") -> RecordingUi:
        its, ui = client(Sits, *layers)
        self.talking.append(asyncio.create_task(its.run(place or self._place, 0)))
        await ui.until(open=True)
        return ui

    async def seated(self, count: int) -> None:
        async def wait() -> None:
            while len(self.table.sessions) != count:
                await idle()

        await within(wait(), f"There are {len(self.table.sessions)} at the table.")

    @property
    def stop(self) -> Callable[[], None]:
        return self._server.stop


async def test_a_spent_invitation_does_not_end_a_conversation_of_those_who_are_in() -> None:
    class First(Authenticator):
        """Lets the first in, and has no more to try after the second."""

        name = "first"
        judges = {Role.RESPONDER}
        needs = frozenset()
        spent, came = "", 0

        async def check(self, peer: Peer) -> None:
            type(self).came += 1
            if self.came > 1:
                type(self).spent = "The code was guessed wrong too often."
                raise Refused("Wrong code.")

    async with Hosting("spent-crowd", ShowsBoth, Table, First, keep=False) as serving:
        guest = await serving.comes(ShowsBoth)
        await serving.seated(1)
        other, _ = client(Sits, ShowsBoth)
        with contextlib.suppress(ChatError):
            await other.run("spent-crowd", 0)
        assert First.spent
        await serving.seated(1)
        assert not serving.task.done()
        guest.session.say("still here")
        await guest.until(messages=1)
        assert guest.messages == ["still here"]


async def test_many_talk_at_once_and_whoever_sits_at_the_server_with_them() -> None:
    async with Hosting("many-at-once", Table) as serving:
        guests = [await serving.comes() for _ in range(20)]
        await serving.seated(20)
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
        await serving.seated(2)
        one.session.exit()
        await serving.seated(1)
        three = await serving.comes()
        await serving.seated(2)
        two.session.exit()
        await serving.seated(1)
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
            await serving.seated(2)
            one.session.say("hello")
            await two.until(messages=1)
            for guest in (one, two):
                guest.session.exit()
            await serving.seated(0)
            while serving._server._inside:
                await idle()
        assert not serving.task.done()
        assert len(serving.table.closed) == 6


async def test_whoever_sits_at_the_server_ends_it_where_it_is_there_once() -> None:
    async with Hosting("chair-exit", Table, keep=False) as serving:
        await serving.comes()
        await serving.comes()
        await serving.seated(2)
        serving.ui.session.say("exit")
        await serving.task
        assert [(await task).by for task in serving.talking] == [EndedBy.THEM] * 2


async def test_a_server_that_a_feature_ends_says_goodbye_to_all() -> None:
    async with Hosting("ended", Table, Nobody) as serving:
        for _ in range(2):
            await serving.comes()
        await serving.seated(2)
        serving._server._finish(Usage("The disk is full."))
        with pytest.raises(Usage, match="The disk is full"):
            await serving.task
        for task in serving.talking:
            assert (await within(task, "The connection stays open.")).by is EndedBy.THEM


class SaysWhy(Records):
    """Its goodbye carries a reason."""

    name = "says-why"
    needs = frozenset()


@pytest.mark.parametrize(("guests", "reason"), [(1, "The other side said exit."), (2, "The server was stopped.")])
async def test_one_guest_hears_an_exit_and_several_hear_that_the_server_ends(guests: int, reason: str) -> None:
    async with Hosting(f"leaves-{guests}", Table, SaysWhy, keep=False) as serving:
        for _ in range(guests):
            await serving.comes(SaysWhy)
        await serving.seated(guests)
        serving.ui.session.say("exit")
        await serving.task
        assert [(await task).reason for task in serving.talking] == [reason] * guests


async def test_what_fails_for_one_of_several_is_told_and_does_not_count_at_the_end() -> None:
    async with Hosting("one-fails", Table, Nobody, SaysWhy, keep=False) as serving:
        one, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.seated(2)
        one.session.stream.close()
        await serving.seated(1)
        await serving.ui.until(notices=2)
        assert serving.ui.notices[1].startswith("memory:client: The connection ended without a goodbye")
        two.session.exit()
        assert await serving.task == Ending(EndedBy.THEM, "The other side said exit.")


async def test_what_one_of_several_did_not_receive_is_the_ending_of_the_user_that_left_them() -> None:
    async with Hosting("unreceived", Table, SaysWhy, keep=False) as serving:
        _, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.seated(2)
        serving.ui.session.say("hello")
        serving.ui.session.say("exit")
        two.session.stream.close()
        ending = await serving.task
        assert serving.table.closed == [EndedBy.US, EndedBy.US]
        assert isinstance(ending.error, NotReceived)


async def test_what_fails_for_the_last_of_several_is_the_ending_and_no_notice() -> None:
    async with Hosting("last-fails", Table, Nobody, SaysWhy, keep=False) as serving:
        one, two = await serving.comes(SaysWhy), await serving.comes(SaysWhy)
        await serving.seated(2)
        one.session.exit()
        await serving.seated(1)
        two.session.stream.close()
        assert (await serving.task).by is EndedBy.FAULT
        assert len(serving.ui.notices) == 1


async def test_stopping_says_goodbye_to_all_and_lets_nobody_in() -> None:
    async with Hosting("stop", Table, Nobody) as serving:
        for _ in range(5):
            await serving.comes()
        await serving.seated(5)
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
        await serving.seated(1)
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


async def test_a_full_server_turns_others_away_and_says_so_to_plugins() -> None:
    async with Hosting("full", Table, limits=replace(PATIENT, connections=3)) as serving:
        guests = [await serving.comes() for _ in range(3)]
        await serving.seated(3)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert heard.came == b""
        assert serving.table.turned_away_at == [("memory:client", "The server is full.")]
        guests[0].session.exit()
        await serving.seated(2)
        while len(serving._server._inside) > 2:
            await idle()
        await serving.comes()
        await serving.seated(3)


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
        await serving.seated(2)
        await turned_away(serving, "The server is full.")
        serving.table.role = True  # type: ignore[attr-defined]
        await serving.comes()
        await serving.seated(3)
        await turned_away(serving, "The server is full.")


async def test_those_that_are_let_in_count_before_they_are_inside() -> None:
    async with Hosting("arriving", Table, Carries, limits=replace(PATIENT, connections=2)) as serving:
        await serving.comes()
        await serving.seated(1)
        (first, _), (second, _) = await serving.stranger(), await serving.stranger()
        assert serving._server._admits(first, None) is None
        refusal = serving._server._admits(second, None)
        assert refusal is not None
        assert refusal.sentence == "The server is full."


async def test_a_full_server_removes_the_member_that_is_idle_for_longest() -> None:
    async with Hosting("idle", WithRoles, Carries, limits=replace(PATIENT, connections=3, idle=60)) as serving:
        for _ in range(3):
            await serving.comes()
        await serving.seated(3)
        first, second, third = serving.table.sessions
        await turned_away(serving, "The server is full.")
        now = asyncio.get_running_loop().time()
        first.active_at, second.active_at, third.active_at = now - 61, now - 62, now - 59
        await serving.comes()
        await serving.talking[1]
        assert "was removed: the server is full and it was idle." in " ".join(serving.ui.notices)
        await serving.seated(3)
        assert second not in serving.table.sessions
        assert first in serving.table.sessions
        serving.table.role = True  # type: ignore[attr-defined]
        assert not serving._server._remove_idle()


async def test_what_is_said_ends_being_idle() -> None:
    async with Hosting("active", Table, limits=PATIENT) as serving:
        guest = await serving.comes()
        await serving.seated(1)
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
        await serving.seated(2)
        await turned_away(serving, "Too many connections with its key.", ShowsBoth)
        await serving.seated(2)
        assert not serving._server._arriving


async def turned_away(serving: "Hosting", why: str, *layers: Any) -> None:
    with contextlib.suppress(ChatError):
        await client(Says, *layers)[0].run(serving._place, 0)
    async with asyncio.timeout(10):
        while ("memory:client", why) not in serving.table.turned_away_at:
            await idle()
    serving.table.turned_away_at.clear()


async def test_one_address_has_its_share_and_no_more() -> None:
    async with Hosting("share", Table, Far, limits=replace(PATIENT, connections_per_address=2)) as serving:
        for _ in range(2):
            await serving.comes()
        await serving.seated(2)
        _, heard = await serving.stranger()
        await heard.hears_the_end("It is not turned away.")
        assert serving.table.turned_away_at == [("192.0.2.1:1234", "Too many connections from this source.")]


async def test_this_machine_s_own_have_no_limit_by_address() -> None:
    async with Hosting("own", Table, limits=replace(PATIENT, connections_per_address=2)) as serving:
        for _ in range(5):
            await serving.comes()
        await serving.seated(5)


async def test_plugins_hear_of_those_who_fail_in_their_handshake_too() -> None:
    class Grumbles(Feature):
        """Breaks where somebody is turned away."""

        name = "grumbles"

        @hookimpl
        def turned_away(self, address: str, error: ChatError) -> None:
            raise ZeroDivisionError

    async with Hosting("fails-hosted", Table, Grumbles) as serving:
        stream, _ = await serving.stranger()
        stream.close()
        await serving.ui.until(notices=3)
        assert "did not get in" in serving.ui.notices[1]
        assert "The hook `turned_away` of" in serving.ui.notices[2]
        await serving.comes()
        await serving.seated(1)


async def test_a_feature_that_breaks_at_one_word_ends_that_conversation_alone() -> None:
    async with Hosting("one-breaks", Table) as serving:
        one, two, three = [await serving.comes() for _ in range(3)]
        await serving.seated(3)
        two.session.say("break")
        await two.until(over=True)
        await serving.seated(2)
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
        def session_opened(self, session: Session) -> None:
            self.opened += 1
            if self.opened == 2:
                raise error()

        @hookimpl
        def session_closed(self, session: Session, ending: Ending) -> None:
            raise error()

    async with Hosting("second", Table, Second, keep=False) as serving:
        one = await serving.comes()
        await serving.seated(1)
        two = await serving.comes()
        await two.until(over=True)
        assert two.ending == Ending(EndedBy.THEM, "The other side said exit.")
        three = await serving.comes()
        await serving.seated(2)
        one.session.say("hello")
        await three.until(messages=1)
        for guest in (one, three):
            guest.session.exit()
        assert (await serving.task).error is None
        assert [notice for notice in serving.ui.notices if "ZeroDivisionError" in notice or "Not you." in notice]


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
        await serving.seated(1)
        serving._server.reread()
        told = serving.ui.notices[1:]
        assert "Read ␛." in told
        assert "Line 3 is damaged. Nothing was changed." in told
        assert [line for line in told if line.startswith("Reloading failed in") and "ZeroDivisionError" in line]
        assert len(told) == 3
        one.session.say("still here")
        await one.until(messages=1)


async def test_guests_who_speak_another_stack_come_into_the_same_room() -> None:
    guests = ListenAddress(stack_of(Memory, PlainFrames), "door-for-guests", 0)
    async with Hosting("door", Table, guests=[guests]) as serving:
        one = await serving.comes()
        its, two = end(Client, PlainFrames, Sits, hook=None, limits=PATIENT)
        serving.talking.append(asyncio.create_task(its.run("door-for-guests", 0)))
        await serving.seated(2)
        two.session.say("from afar")
        await one.until(messages=1)
        assert one.messages == ["from afar"]
        assert [
            line
            for line in serving.ui.notices
            if line.startswith("Listening for guests on door-for-guests with memory | test-plain")
        ]
        assert [line for line in serving.ui.notices if line.startswith("Warning: ")]
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


@pytest.mark.parametrize("method", ["run", "opened"])
async def test_a_ui_that_breaks_leaves_a_table_that_goes_on_to_the_guests(method: str) -> None:
    async with Hosting("ui-breaks", Table, breaking(method)) as serving:
        its, _ = client(Sits)
        assert (await its.run("ui-breaks", 0)).by is EndedBy.THEM
        await serving.ui.until(notices=2)
        assert [line for line in serving.ui.notices if "raised ZeroDivisionError" in line]
        while serving._server._inside:
            await idle()
        assert not serving.task.done()


async def test_a_ui_that_breaks_leaves_several_guests_to_each_other() -> None:
    breaks = asyncio.Event()

    class BreaksLater(RecordingUi):
        """Breaks when it is told to."""

        async def run(self, conversation: Conversation) -> None:
            await breaks.wait()
            raise ZeroDivisionError

    async with Hosting("ui-breaks-later", Table, BreaksLater) as serving:
        one, two = await serving.comes(), await serving.comes()
        await serving.seated(2)
        breaks.set()
        await serving.ui.until(notices=2)
        assert "raised ZeroDivisionError" in serving.ui.notices[1]
        one.session.say("still here")
        await two.until(messages=1)
        assert not serving.task.done()


async def test_a_feature_that_cannot_host_keeps_nobody_inside() -> None:
    class Fails(Table):
        """Has no chair."""

        name = "fails"

        def host(self, stack: Stack, address: str, leave: Callable[[], None]) -> Conversation:
            raise Usage("There is no chair.")

    async with Hosting("no-chair", Fails) as serving:
        its, _ = client(Sits)
        await its.run("no-chair", 0)
        assert "There is no chair." in serving.ui.notices
        assert not len(serving._server._inside)
        assert not serving.task.done()


async def test_whoever_interrupts_a_server_with_many_says_goodbye_to_all() -> None:
    async with Hosting("interrupted-many", Table) as serving:
        for _ in range(3):
            await serving.comes()
        await serving.seated(3)
        serving.task.cancel()
        await asyncio.gather(serving.task, return_exceptions=True)
        assert [(await task).by for task in serving.talking] == [EndedBy.THEM] * 3
        assert serving.table.closed == [EndedBy.US] * 3
