"""What the user is asked about the other side: for how long, and what becomes of the answer."""

import asyncio

import pytest
from opening import KEY, Asks, AwaitsMore, Client, ClientShows, Yes, frame

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import (
    BrokenPlugin,
    HandshakeFailed,
    Refused,
    UnknownPeer,
    Withdrawn,
)
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Ui
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.core.pipeline.step_timer import StepTimer
from plytalk.core.pipeline.user_questions import NOT_WAITING, TOO_EARLY, IsThere, UserQuestions
from plytalk.testing import RecordingUi, TypedFrames
from plytalk.testing.verdict import idle


async def test_after_a_person_s_answer_a_peer_may_go_on() -> None:
    client = Client(AwaitsMore, Asks, Yes)
    client.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(client.opens())
    await idle()
    assert client.opening.approved
    client.peer.send(frame(b"X", b""))
    assert await opening is None


class Stares(RecordingUi):
    """Says nothing before `reply` is set, and notes when the question is taken off the screen."""

    withdrawn = False

    def __init__(self) -> None:
        super().__init__()
        self.reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(self, question: Question) -> str | None:
        self.questions.append(question.sentence)
        try:
            return await self.reply
        finally:
            self.withdrawn = True


class AsksAfterwards(Asks):
    """Asks when the handshake is done."""

    name = "asks-afterwards"

    async def check(self, peer: Peer) -> None:
        """Nothing yet."""

    async def verify(self, channel, peer: Peer) -> None:
        await super().check(peer)


@pytest.mark.parametrize("asks", [Asks, AsksAfterwards])
async def test_a_question_about_a_caller_is_withdrawn_when_it_disconnects(asks: type[Authenticator]) -> None:
    caller = Client(ClientShows, asks, Stares, role=Role.RESPONDER)
    caller.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(caller.opens())
    ui = caller.stack.ui
    assert isinstance(ui, Stares)
    while not ui.questions:
        await idle()
    assert ui.questions == [f"About chat.example.org:1 (key {KEY.fingerprint}): Trust it?"]
    assert not ui.withdrawn
    caller.peer.close()
    error = await opening
    assert isinstance(error, Withdrawn)
    assert error.sentence == "The other side disconnected while you were asked about it, so the question is withdrawn."
    assert ui.withdrawn
    assert not caller.opening.approved


async def test_a_question_is_withdrawn_when_the_caller_talks_before_it_may() -> None:
    caller = Client(ClientShows, AsksAfterwards, Stares, role=Role.RESPONDER)
    caller.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(caller.opens())
    while not caller.stack.ui.questions:  # type: ignore[attr-defined]
        await idle()
    for _ in range(5):
        caller.peer.send(frame(b"M", bytes(100_000)))
    assert isinstance(await opening, Withdrawn)


async def test_whoever_said_yes_to_a_server_that_did_not_wait_is_known_to_have_said_it() -> None:
    class YesTooLate(RecordingUi):
        """Says yes, when the server has gone."""

        async def answer(self, question: Question) -> str | None:
            client.peer.close()
            return "yes"

    client = Client(AwaitsMore, Asks, YesTooLate)
    client.peer.send(frame(b"K", b"key"))
    assert isinstance(await client.opens(), HandshakeFailed)
    assert client.opening.approved


@pytest.mark.parametrize(("answer", "expected"), [(True, type(None)), (False, Refused), (None, UnknownPeer)])
async def test_a_person_s_answer_counts_and_silence_is_a_no(answer: bool | None, expected: type) -> None:
    class Person(RecordingUi):
        """Answers."""

        def __init__(self) -> None:
            super().__init__(answer)

    client = Client(Asks, Person)
    client.peer.send(frame(b"K", b"key"))
    assert type(await client.opens()) is expected


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, ZeroDivisionError])
async def test_a_ui_that_breaks_at_a_question_is_to_blame_and_lets_nobody_in(error: type[BaseException]) -> None:
    class Ends(RecordingUi):
        """Answers nothing."""

        async def answer(self, question: Question) -> str | None:
            raise error

    client = Client(Asks, Ends)
    client.peer.send(frame(b"K", b"key"))
    fault = await client.opens()
    assert isinstance(fault, BrokenPlugin)
    assert str(fault) == f"The ui `test-recording` raised {error.__name__}."


# -- the questions alone --------------------------------------------------------------------------------------------------


async def nobody_judges(identity: Identity) -> None:
    raise AssertionError("judged")


class Asking:
    """Questions about a peer, which is bare bytes, in a step of an hour; `notices` is what the user is told."""

    def __init__(self, ui: Ui, is_there: IsThere | None = None, *, verifying: bool = False) -> None:
        stream, self.peer = memory_stream_pair()
        self.io = FrameHandshakeIO(TypedFrames(), stream, nobody_judges)
        stream.deliver_to(self.io.feed, self.io.ended)
        self.timer = StepTimer()
        self.notices: list[str] = []
        self.user = UserQuestions(ui, "chat\x1b.example.org:1", self.timer, self.notices.append, is_there)
        self.user.watch(self.io)
        if verifying:
            self.user.begin_verifying()

    async def confirm(self, question: str = "Trust it?") -> bool:
        async with self.timer.limit(3600):
            return await self.user.confirm(KEY, question, "--yes")

    def cut_off(self) -> None:
        self.peer.close()


async def is_there() -> bool:
    return True


async def is_gone() -> bool:
    return False


async def test_what_is_said_and_asked_cannot_steer_the_screen() -> None:
    ui = Stares()
    ui.reply.set_result("no")
    asking = Asking(ui)
    assert not await asking.confirm("Trust\x1b[2J it?")
    asking.user.say("It\x1b[2J changed.")
    shown = [*ui.questions, *asking.notices]
    assert len(shown) == 2
    assert "chat" in ui.questions[0]
    assert not [text for text in shown if "\x1b" in text]


@pytest.mark.parametrize(("said", "approved"), [("yes", True), ("no", False)])
async def test_an_answer_of_a_client_counts_although_the_server_did_not_wait_as_long_as_it_is_there(
    said: str, approved: bool
) -> None:
    ui = Stares()
    asking = Asking(ui, is_there)
    answer = asyncio.create_task(asking.confirm())
    await idle()
    assert asking.notices == []
    asking.cut_off()
    await idle()
    assert asking.notices == [NOT_WAITING]
    assert not ui.withdrawn
    ui.reply.set_result(said)
    assert await answer is approved
    assert asking.user.approved is approved


@pytest.mark.parametrize(("found", "verifying"), [(is_gone, False), (is_there, True)], ids=["gone", "handshake done"])
async def test_a_question_is_withdrawn_where_its_answer_is_of_no_use(found: IsThere, verifying: bool) -> None:
    ui = Stares()
    asking = Asking(ui, found, verifying=verifying)
    answer = asyncio.create_task(asking.confirm())
    await idle()
    asking.cut_off()
    with pytest.raises(Withdrawn, match="disconnected while you were asked"):
        await answer
    assert ui.withdrawn
    assert asking.notices == []


async def test_an_answer_that_comes_while_the_server_is_looked_for_ends_the_search() -> None:
    searches: list[str] = []

    async def search() -> bool:
        searches.append("begun")
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            searches.append("ended")

    ui = Stares()
    asking = Asking(ui, search)
    answer = asyncio.create_task(asking.confirm())
    await idle()
    asking.cut_off()
    await idle()
    assert searches == ["begun"]
    ui.reply.set_result("yes")
    assert await answer
    assert searches == ["begun", "ended"]
    assert asking.notices == []


@pytest.mark.parametrize("verifying", [True, False])
async def test_a_peer_may_send_ahead_while_the_user_is_asked_but_not_before_the_handshake_is_done(verifying: bool) -> None:
    ui = Stares()
    asking = Asking(ui, verifying=verifying)
    answer = asyncio.create_task(asking.confirm())
    await idle()
    for _ in range(5):
        asking.peer.send(frame(b"M", bytes(100_000)))
    await idle()
    assert answer.done() is verifying
    if verifying:
        with pytest.raises(Withdrawn, match=TOO_EARLY):
            await answer
    else:
        ui.reply.set_result("yes")
        assert await answer


async def test_an_approval_of_a_peer_that_is_gone_is_not_for_this_connection() -> None:
    asking = Asking(Yes())
    assert await asking.confirm()
    asking.user.check_presence()  # which raises nothing: it is there
    asking.cut_off()
    await idle()
    with pytest.raises(HandshakeFailed, match="closed the connection while you were asked"):
        asking.user.check_presence()
    asking.user.begin_verifying()  # from here on, an approval says nothing about what goes wrong
    assert not asking.user.approved
    asking.user.check_presence()


async def test_a_peer_that_is_gone_without_a_question_is_not_said_to_have_been_asked_about() -> None:
    asking = Asking(Yes())
    asking.cut_off()
    await idle()
    assert asking.io.over
    asking.user.check_presence()
    assert not asking.user.approved


async def test_a_question_is_taken_back_when_the_attempt_is_broken_off() -> None:
    ui = Stares()
    asking = Asking(ui)
    answer = asyncio.create_task(asking.confirm())
    await idle()
    assert ui.questions
    answer.cancel()
    await asyncio.gather(answer, return_exceptions=True)
    assert ui.withdrawn
    assert not asking.user.approved


async def test_the_clock_stands_still_as_long_as_the_user_is_asked() -> None:
    ui = Stares()
    asking = Asking(ui)
    async with asking.timer.limit(3600) as step:
        answer = asyncio.create_task(asking.user.confirm(KEY, "Trust it?", "--yes"))
        await idle()
        assert step.when() is None
        ui.reply.set_result("yes")
        assert await answer
        assert step.when() is not None
