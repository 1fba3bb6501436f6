"""The endpoint that connects, and connects again where the server did not wait for an answer."""

import asyncio

import pytest
from serving import QUICK, Says, Serving, Shows, client

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import CannotConnect, Refused, Withdrawn
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.questions import Question
from plytalk.core.pipeline.user_questions import NOT_WAITING
from plytalk.testing import GivenKeys

pytestmark = pytest.mark.virtual_time


async def test_nobody_there_is_said_in_words() -> None:
    its, _ = client()
    with pytest.raises(CannotConnect, match="Nothing listens"):
        await its.run("nowhere", 0)


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

    async def answer(self, question: Question) -> str | None:
        await asyncio.sleep(0.8)
        return await super().answer(question)


async def test_who_said_yes_too_late_connects_again_and_is_not_asked_again() -> None:
    async with Serving("late-yes", Shows, limits=QUICK) as serving:
        its, ui = client(Shows, Remembers, Thinks)
        assert (await its.run("late-yes", 0)).by is EndedBy.US
        assert ui.questions == ["Trust it?"]
        assert ui.notices == [NOT_WAITING, "The other side did not wait for your answer: connecting again."]
        await serving.ui.until(messages=1)


async def test_who_said_yes_too_late_connects_again_also_where_the_client_speaks_last() -> None:
    class SpeaksLast(Shows):
        """The client ends the handshake, and has no answer to wait for."""

        async def initiate(self, wire) -> SessionSecrets:
            await wire.ask(Identity("test", await wire.receive(b"I", 9)))
            return await GivenKeys.initiate(self, wire)

        async def respond(self, wire) -> SessionSecrets:
            await wire.send(b"I", b"key")
            return await GivenKeys.respond(self, wire)

    async with Serving("late-yes", SpeaksLast, limits=QUICK) as serving:
        its, ui = client(SpeaksLast, Remembers, Thinks)
        assert (await its.run("late-yes", 0)).by is EndedBy.US
        assert ui.notices[-1] == "The other side did not wait for your answer: connecting again."
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
        assert ui.notices == [NOT_WAITING]


async def test_a_question_about_a_server_is_withdrawn_when_the_server_has_gone() -> None:
    withdrawn = asyncio.Event()

    class Stares(Says):
        """Says nothing."""

        async def answer(self, question: Question) -> str | None:
            asked.set_result(question)
            try:
                return await asyncio.get_running_loop().create_future()
            finally:
                withdrawn.set()

    asked: asyncio.Future[Question] = asyncio.get_running_loop().create_future()
    async with Serving("gone", Shows):
        its, ui = client(Shows, Remembers, Stares)
        talking = asyncio.create_task(its.run("gone", 0))
        await asked
        assert not withdrawn.is_set()
    with pytest.raises(Withdrawn, match="disconnected while you were asked about it, so the question is withdrawn"):
        await talking
    assert withdrawn.is_set()
    assert ui.notices == []


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
        assert serving.ui.ended == ("them", "The other side said exit.")
