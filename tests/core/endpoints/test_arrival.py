"""How peers get in: bad ones, many in their handshake, and those that are not let in."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from filters import HELLO, InPieces, Pieces
from msgspec.structs import replace
from serving import PATIENT, QUICK, Far, Says, Serving, client
from tables import Hosting, ShowsBoth, Sits, Table

from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Answered, ChatError, HandshakeFailed, Refused
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.queue_listener import QueueListener
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, RecordingUi, TypedFrames
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle

pytestmark = pytest.mark.virtual_time

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


async def test_those_that_stand_still_in_the_opening_of_their_stream_are_counted_too() -> None:
    async with Serving("opening", InPieces, limits=replace(PATIENT, unauthenticated=5)) as serving:
        strangers = [await serving.stranger() for _ in range(20)]
        for stream, _ in strangers[::2]:
            stream.send(HELLO[:5])
        await serving.talks(InPieces, Says)
        await serving.ui.until(messages=1)
        assert sum(not heard.ends for _, heard in strangers) == 4


async def test_openings_take_turns_one_step_in_each_turn_of_the_loop() -> None:
    """So that members are served between the openings of a crowd that comes at once."""
    loop, turns, steps = asyncio.get_running_loop(), 0, list[int]()

    def count() -> None:
        nonlocal turns
        turns += 1
        counting.append(loop.call_soon(count))
        del counting[:-1]

    counting = [loop.call_soon(count)]

    class Counted(Pieces):
        def take(self, data: bytes) -> None:
            steps.append(turns)
            super().take(data)

    class Crowded(InPieces):
        """In pieces, and each step is counted."""

        async def listen(self, host: str, port: int) -> Listener:
            return FilterListener(await Memory.listen(self, host, port), lambda below: Counted(below, begins=False))

    async with Serving("crowded", Crowded, limits=PATIENT) as serving:
        strangers = [await serving.stranger() for _ in range(20)]
        for stream, _ in strangers:
            stream.send(HELLO)
        for _, heard in strangers:
            await heard.hears(HELLO, "It does not open.")
    counting[0].cancel()
    assert len(steps) == len(set(steps)) == 20


async def test_an_opening_that_fails_or_takes_too_long_costs_one_notice_and_counts_as_failed() -> None:
    class FromAfar(Far):
        """In pieces, from another machine."""

        async def listen(self, host: str, port: int) -> Listener:
            return FilterListener(await super().listen(host, port), lambda below: Pieces(below, begins=False))

    async with Serving("bad-opening", FromAfar, limits=replace(QUICK, failures=2)) as serving:
        wrong, _ = await serving.stranger()
        wrong.send(b"GET / HTTP/1.1")
        await serving.ui.until(notices=2)
        assert serving.ui.notices[1].startswith("192.0.2.1:1234 did not get in: It says something else than hello.")
        slow, _ = await serving.stranger()
        slow.send(HELLO[:5])
        await serving.ui.until(notices=3)
        assert "did not open its connection within 0.6 seconds" in serving.ui.notices[2]
        await serving.stranger()
        await serving.ui.until(notices=4)
        assert "Too many handshakes from this source failed." in serving.ui.notices[3]


async def test_a_peer_that_wanted_only_an_answer_costs_no_notice_and_has_not_failed() -> None:
    class Asked(Pieces):
        def _opens(self) -> bool:
            raise Answered()

    class Answering(Far):
        """Answers, and wants no conversation."""

        async def listen(self, host: str, port: int) -> Listener:
            return FilterListener(await super().listen(host, port), lambda below: Asked(below, begins=False))

    async with Serving("answering", Answering, limits=replace(QUICK, failures=1, unauthenticated=2)) as serving:
        for _ in range(5):
            stream, heard = await serving.stranger()
            stream.send(HELLO)
            await heard.hears_the_end("the connection stays open")
        await idle()
        assert serving.ui.notices[1:] == []
        assert [len(arrivals) for arrivals in serving._server.arrivals] == [0]


async def test_a_peer_counts_for_the_source_that_its_opening_names() -> None:
    """As behind a proxy, from which all come: each has its own share, and pays for itself."""

    class Named(Pieces):
        def _opens(self) -> bool:
            self.peer = NAMES[self.below]
            return super()._opens()

    class Proxied(Far):
        """All come from one address, and say whose they are."""

        async def listen(self, host: str, port: int) -> Listener:
            return FilterListener(await super().listen(host, port), lambda below: Named(below, begins=False))

    async with Serving("proxied", Proxied, limits=replace(QUICK, failures=1, unauthenticated_per_address=2)) as serving:
        NAMES: dict[Stream, str] = {}

        async def comes(name: str) -> Receiver:
            stream, heard = await serving.stranger()
            NAMES[stream._other] = name
            stream.send(HELLO)
            return heard

        for number in range(5):
            heard = await comes(f"203.0.113.{number}:1")
            await heard.hears(HELLO, "It does not open.")
        failing = await comes("198.51.100.1:1")
        await failing.hears_the_end("It goes on.")
        assert serving.ui.notices[1].startswith("203.0.113.0:1 did not get in: ")
        again = await comes("198.51.100.1:1")
        await again.hears_the_end("It goes on.")
        await serving.ui.until(notices=8)
        assert serving.ui.notices[7] == "198.51.100.1:1 did not get in: Too many handshakes from this source failed."


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


async def test_a_peer_that_is_silent_keeps_nobody_out() -> None:
    async with Serving("silent") as serving:
        stream, _ = await serving.stranger()
        await serving.talks()
        await serving.ui.until(messages=1)
        stream.close()


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
        await serving.holds(1)
        other, _ = client(Sits, ShowsBoth)
        with contextlib.suppress(ChatError):
            await other.run("spent-crowd", 0)
        assert First.spent
        await serving.holds(1)
        assert not serving.task.done()
        guest.session.say("still here")
        await guest.until(messages=1)
        assert guest.messages == ["still here"]


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
        await serving.holds(1)


async def test_who_gets_in_again_and_again_has_not_failed() -> None:
    async with Serving("again", Far, limits=replace(PATIENT, failures=2)) as serving:
        for number in range(1, 5):
            await serving.talks()
            await serving.ui.until(messages=number)
